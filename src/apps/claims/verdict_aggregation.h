// Many entailment answers to one verdict. Pure functions.
//
// Votes below min_confidence do not count. On equal scores supported wins over refuted over insufficient.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "store/labels.h"

namespace vivace {

enum class AggregationStrategy {
  kWeightedVote,         // sums of confidence, normalised
  kMajorityVote,         // counts, normalised
  kConfidenceThreshold,  // a weighted vote of the votes ≥ high_confidence; without any the plain weighted vote
  kStrictConsensus,      // all agree: their mean confidence; else insufficient
  kMeanConfidence,       // sum of confidence over all votes ÷ their number, must reach verdict_threshold
};

// "weighted_vote", "majority_vote", …
std::string_view aggregation_strategy_name(AggregationStrategy strategy);
// kInvalidArgument, listing the names, for any other text.
Result<AggregationStrategy> parse_aggregation_strategy(std::string_view name);

struct NliVote {
  NliLabel label = NliLabel::kNeutral;
  double confidence = 0;  // 0 to 1
};

struct AggregationOptions {
  AggregationStrategy strategy = AggregationStrategy::kWeightedVote;
  double min_confidence = 0.5;  // a vote at it counts; kMeanConfidence counts all
  double high_confidence = 0.75;
  double conflict_share = 0.3;     // supporting and refuting scores both at least this: a conflict
  double verdict_threshold = 0.7;  // of kMeanConfidence
};

struct AggregatedVerdict {
  Verdict verdict = Verdict::kInsufficient;
  double confidence = 0;
  double support_score = 0;
  double refute_score = 0;
  double neutral_score = 0;
  size_t evidence_count = 0;    // all votes
  size_t supporting_count = 0;  // the counts of votes that counted
  size_t refuting_count = 0;
  size_t neutral_count = 0;
  bool has_conflict = false;
  AggregationStrategy strategy_used = AggregationStrategy::kWeightedVote;
  std::string explanation;  // one line for people; names what was left out and a conflict
};

// kInvalidArgument without votes, or when a confidence is not within 0 to 1.
Result<AggregatedVerdict> aggregate_verdict(std::span<const NliVote> votes, const AggregationOptions& options);

}  // namespace vivace
