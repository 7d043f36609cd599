#include "apps/completion/completion_json.h"

#include <cmath>
#include <limits>
#include <utility>

namespace vivace {
namespace {

constexpr int kMostTokens = 1 << 20;  // whether the model can write as many is the model's to say
constexpr size_t kMaxModelNameBytes = 512;

double rounded(double milliseconds) {
  return std::round(milliseconds * 1e3) / 1e3;
}

Result<void> read_options(const JsonValue& body, GenerationOptions* options) {
  ASSIGN_OR_RETURN(const int64_t tokens, body.integer_or("max_new_tokens", kDefaultCompletionTokens, 1, kMostTokens));
  ASSIGN_OR_RETURN(const int64_t least, body.integer_or("min_new_tokens", 0, 0, kMostTokens));
  ASSIGN_OR_RETURN(const int64_t top_k, body.integer_or("top_k", 0, 0, kMostTokens));
  ASSIGN_OR_RETURN(const int64_t sequences, body.integer_or("num_return_sequences", 1, 1, kMaxReturnSequences));
  ASSIGN_OR_RETURN(const int64_t seed, body.integer_or("seed", 0, 0, std::numeric_limits<int64_t>::max()));
  ASSIGN_OR_RETURN(options->temperature, body.double_or("temperature", 0));
  ASSIGN_OR_RETURN(options->top_p, body.double_or("top_p", 1));
  options->max_new_tokens = static_cast<int>(tokens);
  options->min_new_tokens = static_cast<int>(least);
  options->top_k = static_cast<int>(top_k);
  options->num_return_sequences = static_cast<int>(sequences);
  options->seed = static_cast<uint64_t>(seed);
  return {};
}

Result<PromptStrategy> read_strategy(const JsonValue& body, UnknownStrategy unknown) {
  ASSIGN_OR_RETURN(const std::string name, body.string_or("strategy", "TASK_PREFIX"));
  auto strategy = parse_prompt_strategy(name);
  if (!strategy && unknown == UnknownStrategy::kTaskPrefix) return PromptStrategy::kTaskPrefix;
  return strategy;
}

}  // namespace

Result<std::vector<std::string>> read_stop_strings(const JsonValue& body) {
  std::vector<std::string> stop;
  const auto value = body.find("stop");
  if (!value) return stop;
  if (value->is_string()) {
    ASSIGN_OR_RETURN(const std::string_view text, value->as_string());
    stop.emplace_back(text);
    return stop;
  }
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, value->as_array(kMaxStopStrings));
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const std::string_view text, item.as_string());
    stop.emplace_back(text);
  }
  return stop;
}

Result<CompletionRequest> parse_completion_request(const JsonValue& body, UnknownStrategy unknown) {
  CompletionRequest request;
  ASSIGN_OR_RETURN(const JsonValue code, body.get("code"));
  ASSIGN_OR_RETURN(request.code, code.as_string());
  if (request.code.empty()) return code.fail("is empty; send the code left of the cursor");
  ASSIGN_OR_RETURN(request.suffix, body.string_or("suffix", ""));
  ASSIGN_OR_RETURN(request.language, body.string_or("language", ""));
  if (request.language == "unknown") request.language.clear();
  ASSIGN_OR_RETURN(request.strategy, read_strategy(body, unknown));
  ASSIGN_OR_RETURN(request.model, body.string_or("modelName", ""));
  if (request.model.size() > kMaxModelNameBytes) {
    return error(StatusCode::kInvalidArgument, "modelName: is longer than any model's name");
  }
  ASSIGN_OR_RETURN(const bool stream, body.bool_or("stream", false));
  if (stream) return body.get("stream")->fail("answers come as a whole here; POST /v1/completions streams");
  RETURN_IF_ERROR(read_options(body, &request.generate.options));
  ASSIGN_OR_RETURN(request.generate.stop, read_stop_strings(body));
  ASSIGN_OR_RETURN(const int64_t deadline, body.integer_or("deadline_ms", 0, 1, kMaxDeadlineMs));
  if (deadline > 0) {
    request.generate.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline);
  }
  return request;
}

void write_completion(const Completion& completion, const CompletionEcho& echo, JsonWriter* json) {
  const GenerateResponse& written = completion.written;
  const GeneratedText& first = written.texts.front();
  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - echo.start;
  json->key("text").value(first.text).key("latencyMs").value(rounded(elapsed.count()));
  json->key("language").value(echo.language.empty() ? "unknown" : std::string_view(echo.language));
  json->key("detectedLanguage").value(completion.language);
  json->key("strategy").value(prompt_strategy_name(echo.strategy)).key("modelName").value(completion.model);
  json->key("tokensGenerated").value(static_cast<uint64_t>(first.token_ids.size()));
  json->key("finish_reason").value(finish_reason_name(first.finish_reason));
  json->key("source").value(completion_origin_name(completion.origin));
  if (!completion.degraded.empty()) {
    json->key("degraded").value(true).key("degradedReason").value(completion.degraded);
  }
  if (completion.code_cut || written.truncated) json->key("truncated").value(true);
  json->key("complexityScore").value(std::round(completion.complexity * 1e4) / 1e4);
  json->key("reasoning").value(completion.reason);
  json->key("timings").begin_object().key("tokenizeMs").value(rounded(written.tokenize_ms));
  json->key("queueMs").value(rounded(written.queue_ms)).key("encodeMs").value(rounded(written.encode_ms));
  json->key("decodeMs").value(rounded(written.decode_ms)).key("detokenizeMs").value(rounded(written.detokenize_ms));
  json->end_object();
  if (written.texts.size() < 2) return;
  json->key("alternatives").begin_array();
  for (const GeneratedText& text : written.texts) json->value(text.text);
  json->end_array();
}

}  // namespace vivace
