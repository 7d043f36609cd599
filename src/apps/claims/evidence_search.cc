#include "apps/claims/evidence_search.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

Result<std::vector<ScoredEvidence>> vector_leg(EvidenceStore& store, const EvidenceSearch& search, size_t limit) {
  return store.search_vectors({.tenant = search.tenant,
                               .vector = search.vector,
                               .limit = limit,
                               .min_similarity = search.min_similarity,
                               .source_url = search.source_url});
}

Result<std::vector<ScoredEvidence>> keyword_leg(EvidenceStore& store, const EvidenceSearch& search, size_t limit) {
  return store.search_keywords(
      {.tenant = search.tenant, .text = search.text, .limit = limit, .source_url = search.source_url});
}

std::vector<EvidenceHit> hits_of(std::vector<ScoredEvidence> found, MatchedVia via) {
  std::vector<EvidenceHit> hits;
  hits.reserve(found.size());
  for (ScoredEvidence& row : found) {
    EvidenceHit hit{.evidence = std::move(row.evidence), .score = row.score, .similarity = {}, .via = via};
    if (via == MatchedVia::kVector) hit.similarity = row.score;
    hits.push_back(std::move(hit));
  }
  return hits;
}

// What the vector leg did not reach has a cosine all the same.
Result<void> fill_similarities(EvidenceStore& store, const EvidenceSearch& search, std::vector<EvidenceHit>* hits) {
  std::vector<std::string> ids;
  for (const EvidenceHit& hit : *hits) ids.push_back(hit.evidence.id);
  ASSIGN_OR_RETURN(const auto cosines, store.similarities(search.tenant, search.vector, ids));
  for (size_t i = 0; i < hits->size(); ++i) {
    if (!(*hits)[i].similarity) (*hits)[i].similarity = cosines[i];
  }
  return {};
}

// Words find evidence whatever its cosine is; the bound holds for it too.
Result<void> drop_dissimilar(EvidenceStore& store, const EvidenceSearch& search, std::vector<ScoredEvidence>* found) {
  if (search.min_similarity <= -1 || found->empty()) return {};
  std::vector<std::string> ids;
  for (const ScoredEvidence& row : *found) ids.push_back(row.evidence.id);
  ASSIGN_OR_RETURN(const auto cosines, store.similarities(search.tenant, search.vector, ids));
  std::vector<ScoredEvidence> kept;
  for (size_t i = 0; i < found->size(); ++i) {
    if (!cosines[i] || *cosines[i] >= search.min_similarity) kept.push_back(std::move((*found)[i]));
  }
  *found = std::move(kept);
  return {};
}

Result<std::vector<EvidenceHit>> search_both(EvidenceStore& store, const EvidenceSearch& search) {
  RETURN_IF_ERROR(check_fusion_weights(search.fusion));
  const size_t limit = std::min(fusion_leg_limit(search.limit), kMaxResults);
  ASSIGN_OR_RETURN(std::vector<ScoredEvidence> by_meaning, vector_leg(store, search, limit));
  ASSIGN_OR_RETURN(std::vector<ScoredEvidence> by_words, keyword_leg(store, search, limit));
  RETURN_IF_ERROR(drop_dissimilar(store, search, &by_words));
  std::vector<RankedVector> vector_ranks;
  for (const ScoredEvidence& row : by_meaning) vector_ranks.push_back({row.evidence.id, row.score});
  std::vector<std::string> keyword_ranks;
  for (const ScoredEvidence& row : by_words) keyword_ranks.push_back(row.evidence.id);
  ASSIGN_OR_RETURN(std::vector<FusedRank> fused, fuse_ranks(vector_ranks, keyword_ranks, search.fusion));
  if (fused.size() > search.limit) fused.resize(search.limit);

  std::unordered_map<std::string, EvidenceRecord*> rows;
  for (ScoredEvidence& row : by_meaning) rows[row.evidence.id] = &row.evidence;
  for (ScoredEvidence& row : by_words) rows[row.evidence.id] = &row.evidence;
  std::vector<EvidenceHit> hits;
  for (FusedRank& rank : fused) {
    EvidenceHit hit;
    hit.evidence = std::move(*rows.at(rank.id));
    hit.score = rank.score;
    hit.similarity = rank.vector_similarity;
    hit.via = rank.via;
    hits.push_back(std::move(hit));
  }
  RETURN_IF_ERROR(fill_similarities(store, search, &hits));
  return hits;
}

}  // namespace

std::string_view search_mode_name(SearchMode mode) {
  switch (mode) {
    case SearchMode::kVector: return "vector";
    case SearchMode::kKeyword: return "keyword";
    case SearchMode::kHybrid: return "hybrid";
  }
  return "";
}

Result<SearchMode> parse_search_mode(std::string_view name) {
  for (const SearchMode mode : {SearchMode::kVector, SearchMode::kKeyword, SearchMode::kHybrid}) {
    if (search_mode_name(mode) == name) return mode;
  }
  return error(StatusCode::kInvalidArgument,
               "unknown search mode '" + printable(name) + "'; known are vector, keyword and hybrid");
}

Result<std::vector<EvidenceHit>> search_evidence(EvidenceStore& store, const EvidenceSearch& search) {
  if (search.limit < 1 || search.limit > kMaxResults) {
    return error(StatusCode::kInvalidArgument, "limit: must be 1 to " + std::to_string(kMaxResults));
  }
  switch (search.mode) {
    case SearchMode::kVector: {
      ASSIGN_OR_RETURN(std::vector<ScoredEvidence> found, vector_leg(store, search, search.limit));
      return hits_of(std::move(found), MatchedVia::kVector);
    }
    case SearchMode::kKeyword: {
      ASSIGN_OR_RETURN(std::vector<ScoredEvidence> found, keyword_leg(store, search, search.limit));
      return hits_of(std::move(found), MatchedVia::kKeyword);
    }
    case SearchMode::kHybrid: return search_both(store, search);
  }
  return error(StatusCode::kInternal, "no such search mode");
}

}  // namespace vivace
