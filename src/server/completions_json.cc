#include "server/completions_json.h"

#include <chrono>
#include <limits>
#include <utility>

#include "apps/completion/completion_json.h"
#include "base/json_writer.h"

namespace vivace {
namespace {

constexpr int kDefaultTokens = 16;  // OpenAI's
constexpr int kMostTokens = 1 << 20;

// Reads the body's fields one after the other; the first problem stays.
class FieldReader {
 public:
  explicit FieldReader(const JsonValue& body) : m_body(body) {}

  double number(std::string_view field, double fallback) { return keep(field, m_body.double_or(field, fallback)); }
  int integer(std::string_view field, int fallback, int lowest, int highest) {
    return static_cast<int>(keep(field, m_body.integer_or(field, fallback, lowest, highest)));
  }
  int64_t long_integer(std::string_view field, int64_t fallback) {
    constexpr auto kAll = std::numeric_limits<int64_t>();
    return keep(field, m_body.integer_or(field, fallback, kAll.min(), kAll.max()));
  }
  bool flag(std::string_view field) { return keep(field, m_body.bool_or(field, false)); }
  std::string text(std::string_view field, std::string_view fallback = "") {
    return keep(field, m_body.string_or(field, fallback));
  }
  template <typename T>
  T keep(std::string_view field, Result<T> result) {
    if (result) return std::move(*result);
    fail(field, std::move(result).error());
    return T();
  }
  void fail(std::string_view field, Status problem) {
    if (!m_problem) m_problem = field_error(std::move(problem), field).error();
  }
  void refuse(std::string_view field, std::string_view why) {
    fail(field, {StatusCode::kUnsupported, "request body: " + std::string(field) + ": " + std::string(why)});
  }
  bool has(std::string_view field) const { return m_body.find(field).has_value(); }
  bool is_empty_object(std::string_view field) const {
    const auto value = m_body.find(field);
    return value && value->to_text() == "{}";
  }
  const std::optional<ApiError>& problem() const { return m_problem; }

 private:
  const JsonValue& m_body;
  std::optional<ApiError> m_problem;
};

void read_generation(FieldReader& fields, GenerationOptions* options) {
  options->max_new_tokens = fields.integer("max_tokens", kDefaultTokens, 1, kMostTokens);
  options->num_return_sequences = fields.integer("n", 1, 1, kMaxReturnSequences);
  // Several greedy texts would all be the same: who asks for them means OpenAI's default.
  options->temperature = fields.number("temperature", options->num_return_sequences > 1 ? 1 : 0);
  options->top_p = fields.number("top_p", 1);
  options->top_k = fields.integer("top_k", 0, 0, kMostTokens);
  // A choice that greedy search does not have; clients send it all the same.
  if (options->temperature == 0 && options->top_p > 0 && options->top_p <= 1) options->top_p = 1;
  options->seed = static_cast<uint64_t>(fields.long_integer("seed", 0));
}

void refuse_what_is_not_there(FieldReader& fields, int n) {
  if (fields.has("logprobs")) fields.refuse("logprobs", "probabilities are not given; leave it out");
  if (fields.has("best_of") && fields.integer("best_of", n, 1, kMaxReturnSequences) != n) {
    fields.refuse("best_of", "must be n; all that is written is given");
  }
  if (fields.has("logit_bias") && !fields.is_empty_object("logit_bias")) {
    fields.refuse("logit_bias", "is not there; leave it out");
  }
  for (const char* penalty : {"frequency_penalty", "presence_penalty"}) {
    if (fields.number(penalty, 0) != 0) fields.refuse(penalty, "is not there; leave it out");
  }
}

void read_deadline(FieldReader& fields, GenerateRequest* generate) {
  const int milliseconds = fields.integer("deadline_ms", 0, 1, static_cast<int>(kMaxDeadlineMs));
  if (milliseconds == 0) return;
  generate->deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

bool read_include_usage(const JsonValue& body, FieldReader& fields) {
  const auto options = body.find("stream_options");
  if (!options) return false;
  if (!options->is_object()) fields.refuse("stream_options", "is not an object");
  return fields.keep("stream_options", options->bool_or("include_usage", false));
}

void write_head(const CompletionsTask& task, const std::string& model, JsonWriter* json) {
  json->begin_object().key("id").value(task.id).key("object").value("text_completion");
  json->key("created").value(task.created).key("model").value(model);
}

void write_choice(int index, std::string_view text, std::string_view finish_reason, JsonWriter* json) {
  json->begin_object().key("text").value(text).key("index").value(index).key("logprobs").null().key("finish_reason");
  if (finish_reason.empty()) {
    json->null();
  } else {
    json->value(finish_reason);
  }
}

void write_origin(const Completion& completion, JsonWriter* json) {
  json->key("source").value(completion_origin_name(completion.origin));
  if (!completion.degraded.empty()) {
    json->key("degraded").value(true).key("degraded_reason").value(completion.degraded);
  }
  if (completion.code_cut || completion.written.truncated) json->key("truncated").value(true);
}

// Of a stream's events before the one that tells the usage.
void write_no_usage_yet(const CompletionsTask& task, JsonWriter* json) {
  if (task.include_usage) json->key("usage").null();
}

void write_usage(const std::vector<Completion>& completions, JsonWriter* json) {
  int64_t read = 0;
  int64_t written = 0;
  for (const Completion& completion : completions) {
    read += completion.written.source_tokens;
    for (const GeneratedText& text : completion.written.texts) written += static_cast<int64_t>(text.token_ids.size());
  }
  json->key("usage").begin_object().key("prompt_tokens").value(read).key("completion_tokens").value(written);
  json->key("total_tokens").value(read + written).end_object();
}

std::string event(JsonWriter* json) {
  return "data: " + json->take() + "\n\n";
}

}  // namespace

ApiResult<CompletionsTask> parse_completions_request(std::string_view body, const TextLimits& limits) {
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  const JsonValue root = document->root();
  auto prompts = read_texts(root, "prompt", limits);
  if (!prompts) return std::unexpected(std::move(prompts).error());
  FieldReader fields(root);
  CompletionsTask task;
  task.prompts = std::move(*prompts);
  GenerateRequest& generate = task.request.generate;
  read_generation(fields, &generate.options);
  refuse_what_is_not_there(fields, generate.options.num_return_sequences);
  read_deadline(fields, &generate);
  generate.stop = fields.keep("stop", read_stop_strings(root));
  task.request.model = fields.text("model");
  task.request.suffix = fields.text("suffix");
  task.request.strategy = fields.keep("strategy", parse_prompt_strategy(fields.text("strategy", "NONE")));
  task.echo = fields.flag("echo");
  task.stream = fields.flag("stream");
  task.include_usage = read_include_usage(root, fields);
  if (fields.problem()) return std::unexpected(*fields.problem());
  task.created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return task;
}

std::vector<CompletionRequest> completion_requests(const CompletionsTask& task) {
  std::vector<CompletionRequest> requests(task.prompts.size(), task.request);
  for (size_t i = 0; i < requests.size(); ++i) requests[i].code = task.prompts[i];
  return requests;
}

int choice_of(const CompletionsTask& task, size_t prompt, size_t sequence) {
  const auto sequences = static_cast<size_t>(task.request.generate.options.num_return_sequences);
  return static_cast<int>(prompt * sequences + sequence);
}

std::string write_completions_response(const CompletionsTask& task, const std::vector<Completion>& completions) {
  JsonWriter json;
  write_head(task, completions.front().model, &json);
  json.key("choices").begin_array();
  for (size_t i = 0; i < completions.size(); ++i) {
    for (size_t s = 0; s < completions[i].written.texts.size(); ++s) {
      const GeneratedText& text = completions[i].written.texts[s];
      write_choice(choice_of(task, i, s), task.echo ? task.prompts[i] + text.text : text.text,
                   finish_reason_name(text.finish_reason), &json);
      write_origin(completions[i], &json);
      json.end_object();
    }
  }
  json.end_array();
  write_usage(completions, &json);
  return json.end_object().take();
}

std::string text_event(const CompletionsTask& task, const std::string& model, int choice, std::string_view text) {
  JsonWriter json;
  write_head(task, model, &json);
  json.key("choices").begin_array();
  write_choice(choice, text, "", &json);
  json.end_object().end_array();
  write_no_usage_yet(task, &json);
  json.end_object();
  return event(&json);
}

std::string finish_event(const CompletionsTask& task, int choice, const Completion& completion, size_t sequence) {
  JsonWriter json;
  write_head(task, completion.model, &json);
  json.key("choices").begin_array();
  write_choice(choice, "", finish_reason_name(completion.written.texts[sequence].finish_reason), &json);
  write_origin(completion, &json);
  json.end_object().end_array();
  write_no_usage_yet(task, &json);
  json.end_object();
  return event(&json);
}

std::string usage_event(const CompletionsTask& task, const std::vector<Completion>& completions) {
  JsonWriter json;
  write_head(task, completions.front().model, &json);
  json.key("choices").begin_array().end_array();
  write_usage(completions, &json);
  json.end_object();
  return event(&json);
}

std::string error_event(std::string_view error_body) {
  return "data: " + std::string(error_body) + "\n\n";
}

}  // namespace vivace
