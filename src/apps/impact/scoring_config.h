// Every constant of the impact score, with the defaults that docs/impact.md lists. A struct that validate() accepts
// makes every score a number between 0 and 1.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace vivace {

// A factor that depends on a count: the value of the last step whose `from` the count reaches, else the base.
struct CountStep {
  double from = 0;
  double value = 0;
};

// What an embedding must reach to count in full. Cosines of raw CLS vectors are high for unrelated texts, and how high
// depends on the model: each has its own pair (`vivace impact calibrate`).
struct SemanticGates {
  double without_keywords = 0.95;  // for texts whose keyword score is below low_keyword_score
  double with_keywords = 0.85;
  bool operator==(const SemanticGates&) const = default;
};

// The pair that belongs to a model by its name (the last part of its path); nullptr for a model that nobody calibrated.
const SemanticGates* known_gates(std::string_view model_name);

struct FactorWeights {
  double semantic = 0.3;
  double permission = 0.2;
  double volume = 0.1;
  double context = 0.1;
  double drift = 0.1;
  double priority = 0.1;
  double type = 0.1;
};

struct ScoringConfig {
  FactorWeights weights;
  double critical_priority_boost = 0.9;      // the least score of a message whose priority factor reaches the threshold
  double critical_priority_threshold = 0.9;  //
  double high_semantic_boost = 0.8;          // the same for the semantic factor
  double high_semantic_threshold = 0.8;      //
  double deliberation_threshold = 0.8;       // scores from here on require deliberation
  double review_threshold = 0.5;             // scores from here on are recommended for a look afterwards
  double nothing_to_score = 0.1;             // the score of an empty message without context

  std::vector<std::string> keywords = {
      "critical",   "emergency",  "security",  "breach",        "violation",  "danger",      "risk",
      "threat",     "attack",     "exploit",   "vulnerability", "compromise", "governance",  "policy",
      "regulation", "compliance", "legal",     "audit",         "financial",  "transaction", "payment",
      "transfer",   "blockchain", "consensus", "unauthorized",  "abnormal",   "suspicious",  "alert"};
  double keyword_base = 0.1;  // of a text without any keyword
  std::vector<CountStep> keyword_steps = {{1, 0.5}, {3, 0.8}, {5, 1.0}};
  double low_keyword_score = 0.3;  // below it the gate without_keywords holds, else with_keywords
  double gated_share = 0.3;        // what is left of a cosine that stays below its gate

  double volume_base = 0.1;
  std::vector<CountStep> volume_steps = {{20, 0.2}, {50, 0.5}, {150, 1.0}};
  double volume_window_seconds = 60;  // 0: an agent's messages count forever
  int max_agents = 100'000;           // beyond it the agent that was silent longest is forgotten

  double context_base = 0.2;
  double large_amount = 1000;  // payload.amount above it adds large_amount_bonus
  double large_amount_bonus = 0.4;

  int drift_history = 20;  // semantic factors remembered for each agent
  double drift_scale = 2;  // times the distance from their mean

  std::string constitutional_hash = "cdd01ef066bc6cf2";  // a message that carries another is refused; empty: none is
  std::vector<std::string> text_fields;                  // members of a message read as text beside content and payload
};

// kInvalidArgument names the field: weights in [0,1] with a sum of at most 1, values in [0,1], steps rising, counts >
// 0.
Result<void> validate(const ScoringConfig& config);

// The step function above.
double value_at(const std::vector<CountStep>& steps, double base, double count);

}  // namespace vivace
