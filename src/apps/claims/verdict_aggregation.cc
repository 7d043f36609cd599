#include "apps/claims/verdict_aggregation.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> kStrategies = {"weighted_vote", "majority_vote", "confidence_threshold",
                                                         "strict_consensus", "mean_confidence"};

std::vector<NliVote> at_least(std::span<const NliVote> votes, double confidence) {
  std::vector<NliVote> kept;
  for (const NliVote& vote : votes) {
    if (vote.confidence >= confidence) kept.push_back(vote);
  }
  return kept;
}

double sum_of(std::span<const NliVote> votes, NliLabel label) {
  double sum = 0;
  for (const NliVote& vote : votes) {
    if (vote.label == label) sum += vote.confidence;
  }
  return sum;
}

void count(std::span<const NliVote> votes, AggregatedVerdict* result) {
  for (const NliVote& vote : votes) {
    if (vote.label == NliLabel::kEntailment) ++result->supporting_count;
    if (vote.label == NliLabel::kContradiction) ++result->refuting_count;
    if (vote.label == NliLabel::kNeutral) ++result->neutral_count;
  }
}

void be_certain(NliLabel label, AggregatedVerdict* result) {
  result->support_score = label == NliLabel::kEntailment ? 1 : 0;
  result->refute_score = label == NliLabel::kContradiction ? 1 : 0;
  result->neutral_score = label == NliLabel::kNeutral ? 1 : 0;
}

void take_largest(const AggregationOptions& options, AggregatedVerdict* result) {
  const double support = result->support_score;
  const double refute = result->refute_score;
  const double neutral = result->neutral_score;
  if (support >= refute && support >= neutral) {
    result->verdict = Verdict::kSupported;
    result->confidence = support;
  } else if (refute >= neutral) {
    result->verdict = Verdict::kRefuted;
    result->confidence = refute;
  } else {
    result->verdict = Verdict::kInsufficient;
    result->confidence = neutral;
  }
  result->has_conflict = support >= options.conflict_share && refute >= options.conflict_share;
}

// support, refute, neutral: weights of any scale.
AggregatedVerdict share_out(std::array<double, 3> weights, const AggregationOptions& options) {
  AggregatedVerdict result;
  const double total = weights[0] + weights[1] + weights[2];
  if (total > 0) {
    result.support_score = weights[0] / total;
    result.refute_score = weights[1] / total;
    result.neutral_score = weights[2] / total;
  } else {
    be_certain(NliLabel::kNeutral, &result);
  }
  take_largest(options, &result);
  return result;
}

AggregatedVerdict weighted_vote(std::span<const NliVote> votes, const AggregationOptions& options) {
  AggregatedVerdict result = share_out({sum_of(votes, NliLabel::kEntailment), sum_of(votes, NliLabel::kContradiction),
                                        sum_of(votes, NliLabel::kNeutral)},
                                       options);
  count(votes, &result);
  return result;
}

AggregatedVerdict majority_vote(std::span<const NliVote> votes, const AggregationOptions& options) {
  AggregatedVerdict counts;
  count(votes, &counts);
  AggregatedVerdict result =
      share_out({static_cast<double>(counts.supporting_count), static_cast<double>(counts.refuting_count),
                 static_cast<double>(counts.neutral_count)},
                options);
  count(votes, &result);
  return result;
}

AggregatedVerdict strict_consensus(std::span<const NliVote> votes, size_t all_votes) {
  AggregatedVerdict result;
  be_certain(NliLabel::kNeutral, &result);
  if (votes.empty()) {
    result.neutral_count = all_votes;
    return result;
  }
  count(votes, &result);
  for (const NliVote& vote : votes) {
    if (vote.label != votes.front().label) {
      result.has_conflict = true;
      return result;
    }
  }
  const NliLabel label = votes.front().label;
  be_certain(label, &result);
  result.confidence = sum_of(votes, label) / static_cast<double>(votes.size());
  if (label == NliLabel::kEntailment) result.verdict = Verdict::kSupported;
  if (label == NliLabel::kContradiction) result.verdict = Verdict::kRefuted;
  return result;
}

AggregatedVerdict mean_confidence(std::span<const NliVote> votes, const AggregationOptions& options) {
  AggregatedVerdict result;
  count(votes, &result);
  const auto size = static_cast<double>(votes.size());
  result.support_score = sum_of(votes, NliLabel::kEntailment) / size;
  result.refute_score = sum_of(votes, NliLabel::kContradiction) / size;
  result.neutral_score = sum_of(votes, NliLabel::kNeutral) / size;
  const double larger = std::max(result.support_score, result.refute_score);
  result.confidence = larger;
  if (larger >= options.verdict_threshold && result.support_score > result.refute_score) {
    result.verdict = Verdict::kSupported;
  } else if (larger >= options.verdict_threshold && result.refute_score > result.support_score) {
    result.verdict = Verdict::kRefuted;
  }
  result.has_conflict = result.support_score >= options.conflict_share && result.refute_score >= options.conflict_share;
  return result;
}

std::string explain(const AggregatedVerdict& result, size_t left_out) {
  std::string text =
      fmt::format("{} with confidence {:.2f} ({}): {} supporting, {} refuting, {} neutral of {}",
                  verdict_name(result.verdict), result.confidence, aggregation_strategy_name(result.strategy_used),
                  result.supporting_count, result.refuting_count, result.neutral_count, result.evidence_count);
  if (left_out > 0) text += fmt::format("; {} left out for low confidence", left_out);
  if (result.has_conflict) text += "; WARNING: the evidence contradicts itself";
  return text;
}

Result<void> check_votes(std::span<const NliVote> votes) {
  if (votes.empty()) return error(StatusCode::kInvalidArgument, "a verdict needs at least one piece of evidence");
  for (size_t i = 0; i < votes.size(); ++i) {
    if (!(votes[i].confidence >= 0 && votes[i].confidence <= 1)) {
      return error(StatusCode::kInvalidArgument,
                   fmt::format("confidence of evidence {} is {}, expected 0 to 1", i, votes[i].confidence));
    }
  }
  return {};
}

}  // namespace

std::string_view aggregation_strategy_name(AggregationStrategy strategy) {
  return kStrategies[static_cast<size_t>(strategy)];
}

Result<AggregationStrategy> parse_aggregation_strategy(std::string_view name) {
  for (size_t i = 0; i < kStrategies.size(); ++i) {
    if (kStrategies[i] == name) return static_cast<AggregationStrategy>(i);
  }
  return error(StatusCode::kInvalidArgument,
               fmt::format("unknown strategy '{}'; known are {}", printable(name), fmt::join(kStrategies, ", ")));
}

Result<AggregatedVerdict> aggregate_verdict(std::span<const NliVote> votes, const AggregationOptions& options) {
  RETURN_IF_ERROR(check_votes(votes));
  AggregationStrategy strategy = options.strategy;
  std::vector<NliVote> counted = at_least(votes, options.min_confidence);
  if (strategy == AggregationStrategy::kConfidenceThreshold) {
    std::vector<NliVote> high = at_least(votes, options.high_confidence);
    if (high.empty()) {
      strategy = AggregationStrategy::kWeightedVote;
    } else {
      counted = std::move(high);
    }
  }
  AggregatedVerdict result;
  switch (strategy) {
    case AggregationStrategy::kWeightedVote:
    case AggregationStrategy::kConfidenceThreshold: result = weighted_vote(counted, options); break;
    case AggregationStrategy::kMajorityVote: result = majority_vote(counted, options); break;
    case AggregationStrategy::kStrictConsensus: result = strict_consensus(counted, votes.size()); break;
    case AggregationStrategy::kMeanConfidence:
      counted.assign(votes.begin(), votes.end());
      result = mean_confidence(counted, options);
      break;
  }
  result.evidence_count = votes.size();
  result.strategy_used = strategy;
  result.explanation = explain(result, votes.size() - counted.size());
  return result;
}

}  // namespace vivace
