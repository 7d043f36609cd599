// Completion requests and answers as JSON, the same on `vivace ipc` and POST /api/v1/complete.
#pragma once

#include "apps/completion/completion_request.h"
#include "base/json.h"
#include "base/json_writer.h"

namespace vivace {

inline constexpr int kDefaultCompletionTokens = 50;
inline constexpr int64_t kMaxDeadlineMs = 600'000;

enum class UnknownStrategy : uint8_t { kTaskPrefix, kRefuse };

// {"code", "suffix"?, "language"?, "strategy"?, "modelName"?, "max_new_tokens"?, "temperature"?, "top_p"?, "top_k"?,
// "seed"?,
//  "num_return_sequences"?, "stop"?, "deadline_ms"?}. A deadline counts from now.
Result<CompletionRequest> parse_completion_request(const JsonValue& body, UnknownStrategy unknown);

// A string or a list of them; absent: none.
Result<std::vector<std::string>> read_stop_strings(const JsonValue& body);

// What a request was besides its answer.
struct CompletionEcho {
  std::string language;  // as sent
  PromptStrategy strategy = PromptStrategy::kTaskPrefix;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

// Adds the members of an answer to the open object.
void write_completion(const Completion& completion, const CompletionEcho& echo, JsonWriter* json);

}  // namespace vivace
