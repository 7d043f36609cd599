// OpenAI's completions request, response and stream as JSON. https://platform.openai.com/docs/api-reference/completions
//
// Greedy unless a temperature is given. Beyond OpenAI's fields a request may have top_k, strategy (a prompt strategy;
// by default the model reads the prompt as it is) and deadline_ms. What would change the answer and is not there
// (logprobs, penalties, logit_bias) is refused; fields that we do not know are ignored: clients send ever new ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/completion/completion_service.h"
#include "server/json_fields.h"

namespace vivace {

struct CompletionsTask {
  std::vector<std::string> prompts;
  CompletionRequest request;  // of each prompt, without its code
  bool echo = false;          // the prompt before each text
  bool stream = false;
  bool include_usage = false;  // of a stream: a last object with the usage
  std::string id;              // of the answer
  int64_t created = 0;         // seconds since 1970
};

ApiResult<CompletionsTask> parse_completions_request(std::string_view body, const TextLimits& limits);

// The prompts' requests. A request's sequences are choices.
std::vector<CompletionRequest> completion_requests(const CompletionsTask& task);
// The choice that a prompt's sequence is, n to a prompt, also where an earlier answer has fewer.
int choice_of(const CompletionsTask& task, size_t prompt, size_t sequence);

std::string write_completions_response(const CompletionsTask& task, const std::vector<Completion>& completions);

// Events of a stream, "data: …\n\n".
std::string text_event(const CompletionsTask& task, const std::string& model, int choice, std::string_view text);
std::string finish_event(const CompletionsTask& task, int choice, const Completion& completion, size_t sequence);
std::string usage_event(const CompletionsTask& task, const std::vector<Completion>& completions);
std::string error_event(std::string_view error_body);
inline constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";

}  // namespace vivace
