// Which lane a scored message takes: at once (fast), or through deliberation. What the message wants moves the
// threshold, and outcomes that are reported back teach it. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

enum class Intent { kGeneral, kReasoning, kFactual, kCreative };
std::string_view intent_name(Intent intent);

// The class with the most distinct phrases in the text; on equal counts reasoning, then factual, then creative.
Intent classify_intent(std::string_view text);

enum class Lane { kFast, kDeliberation };
std::string_view lane_name(Lane lane);  // "fast", "deliberation"

struct RouterConfig {
  double impact_threshold = 0.8;
  double deliberation_timeout_seconds = 300;
  double factual_at_most = 0.6;  // the threshold of factual questions
  double creative_at_least = 0.9;

  size_t history = 1000;  // decisions remembered
  size_t learn_from_entries = 50;
  size_t learn_window = 100;  // the last decisions that rates are computed over
  double missing_feedback = 0.5;
  double needless_feedback = 0.8;  // a deliberation with more was a false positive
  double false_positive_rate = 0.3;
  double false_negative_rate = 0.1;
  double step = 0.05;
  double lowest_threshold = 0.1;  // that learning goes to
  double highest_threshold = 0.95;
};

struct RoutingDecision {
  uint64_t id = 0;  // for report_outcome()
  Lane lane = Lane::kFast;
  double impact_score = 0;
  bool forced = false;
  std::string force_reason;
  Intent intent = Intent::kGeneral;  // these two have no meaning in a forced decision
  double dynamic_threshold = 0;
  double estimated_wait_seconds = 0;  // these two: deliberation only
  bool opa_enforced = false;
};

enum class Outcome { kSuccess, kFailure, kTimeout };
Result<Outcome> parse_outcome(std::string_view name);  // "success", "failure", "timeout"

struct RouterStatus {
  double impact_threshold = 0;
  size_t remembered = 0;
  uint64_t fast = 0;
  uint64_t deliberated = 0;
  uint64_t forced = 0;
};

class AdaptiveRouter {
 public:
  // The configured threshold is taken as it is: below 0 everything is deliberated, above 1 nothing.
  explicit AdaptiveRouter(RouterConfig config = {});

  RoutingDecision route(double impact_score, std::string_view content);
  // Deliberation whatever the score; the decision counts as one of score 1.
  RoutingDecision force_deliberation(std::string reason);

  // What became of a decision, and how needless its deliberation was (feedback, 0 to 1). kNotFound for a decision that
  // is no longer remembered, kInvalidArgument for a feedback outside [0,1].
  Result<void> report_outcome(uint64_t id, Outcome outcome, std::optional<double> feedback);

  // Moves the threshold by one step where the rates of the last decisions say so, and answers the threshold. Needs
  // learn_from_entries decisions.
  double learn_threshold();

  // Cut to [0,1]; not-a-number changes nothing.
  void set_impact_threshold(double threshold);
  double impact_threshold() const;
  RouterStatus status() const;

 private:
  struct Entry {
    uint64_t id;
    Lane lane;
    std::optional<Outcome> outcome;
    std::optional<double> feedback;
  };
  void deliberate(RoutingDecision* decision) const;
  void remember(RoutingDecision* decision);
  double adjusted(double threshold, Intent intent) const;

  const RouterConfig m_config;
  mutable std::mutex m_mutex;  // guards what follows
  double m_threshold;
  std::deque<Entry> m_history;  // ids rise by one
  uint64_t m_next_id = 1;
  RouterStatus m_counts;
};

}  // namespace vivace
