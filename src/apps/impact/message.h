// What is scored, what surrounds it, and what comes out: plain structs, no JSON. Texts are valid UTF-8.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vivace {

struct Tool {
  std::string name;  // empty for a tool without one
};

struct Message {
  std::optional<std::string> content;          // the text, or content.text, or any other value in its printed form
  std::string printed_content;                 // the whole content in its printed form: what the router looks at
  std::optional<std::string> payload_message;  // payload.message
  std::optional<double> amount;                // payload.amount, where it is a number
  std::vector<std::string> extra_texts;        // from ScoringConfig::text_fields
  std::optional<std::string> priority;         // a name or a number, printed: "high", "PRIORITY_HIGH", "2"
  std::optional<std::string> message_type;
  std::string from_agent;
  std::vector<Tool> tools;
  std::optional<std::string> constitutional_hash;
  bool empty = false;  // carried nothing at all
};

// What the caller knows beside the message. Where both speak, the context wins.
struct Context {
  std::string agent_id;
  std::optional<std::string> priority;
  std::optional<std::string> message_type;
  std::optional<std::vector<Tool>> tools;   // an empty list, too, wins over the message's
  std::optional<double> semantic_override;  // takes the place of the semantic factor, cut to [0,1]
  bool empty = true;                        // carried nothing at all
};

struct ScoreRequest {
  Message message;
  Context context;
};

// Each in [0,1].
struct Factors {
  double semantic = 0;
  double permission = 0;
  double volume = 0;
  double context = 0;
  double drift = 0;
  double priority = 0;
  double type = 0;
};

// A name for each factor, in the order of Factors: "semantic", "permission", ….
struct FactorValue {
  const char* name;
  double value;
};
std::vector<FactorValue> named_factors(const Factors& factors);

struct Explanation {
  std::string of;  // a factor's name, or "score" for the combination
  std::string why;
};

struct ImpactAnalysis {
  double score = 0;
  Factors factors;
  std::string recommendation;
  bool requires_deliberation = false;
  std::vector<std::string> matched_keywords;  // in the order of the configured list
  std::string backend;                        // the name of the model that gave the vector, or "keywords"
  bool degraded = false;                      // the first backend of the chain did not answer
  std::optional<double> similarity;           // the highest cosine with a keyword, where a model looked at the text
  bool passed_gate = false;                   // similarity reached its gate
  bool truncated = false;                     // the model saw the beginning of the text only
  bool cached = false;                        // the similarity was known from an earlier message with this text
  std::vector<Explanation> explanations;
};

// content, payload.message and the extra texts, one blank between them; as the message wrote them.
std::string extract_text(const Message& message);

// Lower case without white space at both ends: the form that keywords and models see.
std::string normalize_text(std::string_view text);

}  // namespace vivace
