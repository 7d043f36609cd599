// Evidence for a claim or a question: by meaning, by words, or by both fused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/claims/rank_fusion.h"
#include "base/status.h"
#include "store/evidence_store.h"

namespace vivace {

enum class SearchMode { kVector, kKeyword, kHybrid };

std::string_view search_mode_name(SearchMode mode);  // "vector", "keyword", "hybrid"
// kInvalidArgument, listing the names, for any other text.
Result<SearchMode> parse_search_mode(std::string_view name);

struct EvidenceSearch {
  SearchMode mode = SearchMode::kHybrid;
  std::string tenant = kDefaultTenant;
  std::string text;           // kKeyword, kHybrid
  std::vector<float> vector;  // kVector, kHybrid: the text's, by the model that filled the store
  size_t limit = 10;
  double min_similarity = -1;  // kVector, kHybrid: cosine; evidence without a vector has none and is not left out
  std::optional<std::string> source_url;
  FusionOptions fusion;
};

struct EvidenceHit {
  EvidenceRecord evidence;
  double score = 0;                  // what the order is by: cosine, BM25 or the fused score
  std::optional<double> similarity;  // cosine; nullopt for kKeyword and for evidence without a vector
  MatchedVia via = MatchedVia::kVector;
};

// Best first, equal scores by id. The store's errors; those of check_fusion_weights().
Result<std::vector<EvidenceHit>> search_evidence(EvidenceStore& store, const EvidenceSearch& search);

}  // namespace vivace
