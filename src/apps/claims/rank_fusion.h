// Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): two rankings become one. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace vivace {

struct RankedVector {
  std::string id;
  double similarity = 0;
};

enum class MatchedVia { kVector, kKeyword, kBoth };
std::string_view matched_via_name(MatchedVia via);  // "vector", "keyword", "both"

struct FusedRank {
  std::string id;
  double score = 0;
  MatchedVia via = MatchedVia::kVector;
  std::optional<double> vector_similarity;
  std::optional<size_t> keyword_rank;  // from 1
};

struct FusionOptions {
  double vector_weight = 0.5;  // the two are divided by their sum
  double keyword_weight = 0.5;
  double k = 60;  // dampens the lead of the first ranks
};

// How many rows of each leg a fused list of top_k needs.
size_t fusion_leg_limit(size_t top_k);

// What a search demands of its weights: finite, not negative, not both zero. kInvalidArgument otherwise.
Result<void> check_fusion_weights(const FusionOptions& options);

// score(id) = vector_weight / (k + rank) + keyword_weight / (k + rank) over the legs that hold it, ranks from 1; all
// ids, best first, equal scores by id. An id that occurs twice in a leg has its later rank. Takes negative weights, but
// not weights whose sum is 0 or not finite: kInvalidArgument.
Result<std::vector<FusedRank>> fuse_ranks(std::span<const RankedVector> vector_leg,
                                          std::span<const std::string> keyword_leg, const FusionOptions& options);

}  // namespace vivace
