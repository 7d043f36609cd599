#include "apps/claims/rank_fusion.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace vivace {
namespace {

struct Ranks {
  size_t vector = 0;  // 0: not in this leg
  size_t keyword = 0;
  double similarity = 0;
};

FusedRank make_rank(const std::string& id, const Ranks& ranks, const FusionOptions& normalised) {
  FusedRank fused;
  fused.id = id;
  if (ranks.vector > 0) {
    fused.score += normalised.vector_weight / (normalised.k + static_cast<double>(ranks.vector));
    fused.vector_similarity = ranks.similarity;
  }
  if (ranks.keyword > 0) {
    fused.score += normalised.keyword_weight / (normalised.k + static_cast<double>(ranks.keyword));
    fused.keyword_rank = ranks.keyword;
    fused.via = ranks.vector > 0 ? MatchedVia::kBoth : MatchedVia::kKeyword;
  }
  return fused;
}

}  // namespace

std::string_view matched_via_name(MatchedVia via) {
  switch (via) {
    case MatchedVia::kVector: return "vector";
    case MatchedVia::kKeyword: return "keyword";
    case MatchedVia::kBoth: return "both";
  }
  return "";
}

size_t fusion_leg_limit(size_t top_k) {
  return std::max<size_t>(3 * top_k, 50);
}

Result<void> check_fusion_weights(const FusionOptions& options) {
  for (const double weight : {options.vector_weight, options.keyword_weight}) {
    if (!std::isfinite(weight) || weight < 0) {
      return error(StatusCode::kInvalidArgument, "weights of the search must be 0 or more");
    }
  }
  if (options.vector_weight + options.keyword_weight == 0) {
    return error(StatusCode::kInvalidArgument, "one of the search's weights must be more than 0");
  }
  return {};
}

Result<std::vector<FusedRank>> fuse_ranks(std::span<const RankedVector> vector_leg,
                                          std::span<const std::string> keyword_leg, const FusionOptions& options) {
  const double sum = options.vector_weight + options.keyword_weight;
  if (sum == 0 || !std::isfinite(sum)) {
    return error(StatusCode::kInvalidArgument, "the search's weights must not add up to 0");
  }
  if (!std::isfinite(options.k) || options.k < 0) {
    return error(StatusCode::kInvalidArgument, "k of the rank fusion must be 0 or more");
  }
  FusionOptions normalised = options;
  normalised.vector_weight /= sum;
  normalised.keyword_weight /= sum;

  std::unordered_map<std::string, Ranks> ranks;
  for (size_t i = 0; i < vector_leg.size(); ++i) {
    Ranks& entry = ranks[vector_leg[i].id];
    entry.vector = i + 1;
    entry.similarity = vector_leg[i].similarity;
  }
  for (size_t i = 0; i < keyword_leg.size(); ++i) ranks[keyword_leg[i]].keyword = i + 1;

  std::vector<FusedRank> fused;
  fused.reserve(ranks.size());
  for (const auto& [id, entry] : ranks) fused.push_back(make_rank(id, entry, normalised));
  std::ranges::sort(fused, [](const FusedRank& a, const FusedRank& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  return fused;
}

}  // namespace vivace
