#include "server/routes_completion.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include "apps/completion/completion_json.h"
#include "base/json_writer.h"
#include "server/body_stream.h"
#include "server/completion_call.h"
#include "server/completions_json.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

constexpr std::array<BlamedField, 9> kOpenAiFields = {{{"the model '", "model"},
                                                       {"max_new_tokens", "max_tokens"},
                                                       {"temperature", "temperature"},
                                                       {"top_p", "top_p"},
                                                       {"top_k", "top_k"},
                                                       {"num_return_sequences", "n"},
                                                       {"a stop string", "stop"},
                                                       {"the suffix", "suffix"},
                                                       {"the code", "prompt"}}};
constexpr std::array<BlamedField, 10> kEditorFields = {{{"the model '", "modelName"},
                                                        {"max_new_tokens", "max_new_tokens"},
                                                        {"min_new_tokens", "min_new_tokens"},
                                                        {"temperature", "temperature"},
                                                        {"top_p", "top_p"},
                                                        {"top_k", "top_k"},
                                                        {"num_return_sequences", "num_return_sequences"},
                                                        {"a stop string", "stop"},
                                                        {"the suffix", "suffix"},
                                                        {"the code", "code"}}};

// The answers of one stream on their way: pieces of text as they come, then how each ended.
struct StreamingAnswer {
  CompletionsTask task;
  std::shared_ptr<BodyStream> body;
  std::mutex mutex;  // guards what follows
  std::vector<std::optional<Completion>> completions;
  std::vector<bool> echoed;         // of each choice: its prompt was sent, where prompts are
  std::optional<ApiError> problem;  // of the first that failed
  size_t open = 0;
  bool begun = false;  // something was sent, so that an error can only be an event
};

// With the lock. A prompt is sent with its first piece of text or its end: before that the request may be refused.
void echo_once(StreamingAnswer& answer, size_t prompt, const std::string& model, int choice) {
  const auto place = static_cast<size_t>(choice);
  if (!answer.task.echo || answer.echoed[place]) return;
  answer.echoed[place] = true;
  answer.begun = true;
  answer.body->push(text_event(answer.task, model, choice, answer.task.prompts[prompt]));
}

// Everything is there: the last events.
void close_stream(StreamingAnswer& answer) {
  if (answer.problem) {
    if (answer.begun) answer.body->push(error_event(error_response(ApiFamily::kOpenAi, *answer.problem).body));
  } else {
    std::vector<Completion> completions;
    for (auto& completion : answer.completions) completions.push_back(std::move(*completion));
    for (size_t prompt = 0; prompt < completions.size(); ++prompt) {
      for (size_t i = 0; i < completions[prompt].written.texts.size(); ++i) {
        answer.body->push(finish_event(answer.task, choice_of(answer.task, prompt, i), completions[prompt], i));
      }
    }
    if (answer.task.include_usage) answer.body->push(usage_event(answer.task, completions));
    answer.body->push(kDoneEvent);
  }
  answer.body->end();
}

void finish_one(StreamingAnswer& answer, size_t index, Result<Completion> completion) {
  const std::lock_guard lock(answer.mutex);
  if (completion) {
    for (size_t s = 0; s < completion->written.texts.size(); ++s) {
      echo_once(answer, index, completion->model, choice_of(answer.task, index, s));
    }
    answer.body->release(std::move(completion->keep));
    answer.completions[index] = std::move(*completion);
  } else if (!answer.problem) {
    answer.problem = completion_error(completion.error(), kOpenAiFields);
  }
  if (--answer.open == 0) close_stream(answer);
}

// Each piece names the model, so it is chosen before the first.
void name_model(const CompletionService& service, CompletionRequest* request) {
  if (!request->model.empty()) return;
  if (auto chosen = service.chosen_model(*request)) request->model = std::move(*chosen);
}

void start_stream(CompletionService& service, const std::shared_ptr<StreamingAnswer>& answer) {
  std::vector<CompletionRequest> requests = completion_requests(answer->task);
  const int sequences = answer->task.request.generate.options.num_return_sequences;
  answer->open = requests.size();
  answer->completions.resize(requests.size());
  answer->echoed.resize(requests.size() * static_cast<size_t>(sequences));
  for (size_t i = 0; i < requests.size(); ++i) {
    const int first_choice = choice_of(answer->task, i, 0);
    name_model(service, &requests[i]);
    requests[i].generate.on_text = [answer, i, first_choice, model = requests[i].model](int sequence,
                                                                                        std::string_view piece) {
      const std::lock_guard lock(answer->mutex);
      answer->begun = true;
      echo_once(*answer, i, model, first_choice + sequence);
      answer->body->push(text_event(answer->task, model, first_choice + sequence, piece));
    };
    service.complete(std::move(requests[i]),
                     [answer, i](Result<Completion> completion) { finish_one(*answer, i, std::move(completion)); });
  }
}

asio::awaitable<Reply> stream_completions(CompletionService& service, CompletionsTask task) {
  const auto answer = std::make_shared<StreamingAnswer>();
  answer->task = std::move(task);
  answer->body = std::make_shared<BodyStream>(co_await asio::this_coro::executor);
  start_stream(service, answer);
  co_await answer->body->ready();
  {
    const std::lock_guard lock(answer->mutex);
    if (answer->problem && !answer->begun) co_return std::unexpected(*answer->problem);
  }
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.stream = answer->body;
  co_return response;
}

asio::awaitable<Reply> create_completion(RequestContext& context) {
  const ServerConfig& config = context.server.config;
  auto task =
      parse_completions_request(context.request.body, {.max_texts = static_cast<size_t>(config.max_texts_per_request),
                                                       .max_text_bytes = static_cast<size_t>(config.max_text_bytes)});
  if (!task) co_return std::unexpected(std::move(task).error());
  const auto service = find_completion_service(context.server);
  if (!service) co_return std::unexpected(service.error());
  task->id = "cmpl-" + context.request.id;
  GenerateRequest& generate = task->request.generate;
  generate.cancel = context.cancel;
  generate.deadline = std::min(generate.deadline.value_or(context.deadline), context.deadline);
  if (!are_generators_loaded(context.server.models)) {
    co_await await_completion_models(context.server.models, **service, completion_requests(*task), *generate.deadline);
  }
  if (task->stream) co_return co_await stream_completions(**service, std::move(*task));
  const Completions answers = co_await complete_all(**service, completion_requests(*task));
  std::vector<Completion> completions;
  for (const Result<Completion>& answer : answers) {
    if (!answer) co_return std::unexpected(completion_error(answer.error(), kOpenAiFields));
    completions.push_back(*answer);
  }
  HttpResponse response;
  response.body = write_completions_response(*task, completions);
  response.server_timing = completion_timing(completions.front().written);
  co_return response;
}

asio::awaitable<Reply> complete_code(RequestContext& context) {
  const auto document = parse_body(context.request.body);
  if (!document) co_return std::unexpected(document.error());
  auto request = parse_completion_request(document->root(), UnknownStrategy::kRefuse);
  if (!request) co_return std::unexpected(ApiError(std::move(request).error()));
  if (request->code.size() > static_cast<size_t>(context.server.config.max_text_bytes)) {
    co_return field_error({StatusCode::kTooLarge, "request body: code: is longer than max_text_bytes"}, "code");
  }
  const auto service = find_completion_service(context.server);
  if (!service) co_return std::unexpected(service.error());
  const CompletionEcho echo{.language = document->root().string_or("language", "").value_or(""),
                            .strategy = request->strategy};
  request->generate.cancel = context.cancel;
  const bool has_default = (*service)->settings().deadline.count() > 0;
  if (request->generate.deadline || !has_default) {
    request->generate.deadline = std::min(request->generate.deadline.value_or(context.deadline), context.deadline);
  }
  std::vector<CompletionRequest> requests;
  requests.push_back(std::move(*request));
  const Completions answers = co_await complete_all(**service, std::move(requests));
  if (!answers.front()) co_return std::unexpected(completion_error(answers.front().error(), kEditorFields));
  JsonWriter json;
  json.begin_object();
  write_completion(*answers.front(), echo, &json);
  HttpResponse response;
  response.body = json.end_object().take();
  response.server_timing = completion_timing(answers.front()->written);
  co_return response;
}

std::string completions_request_schema(const ApiFacts& facts) {
  return fmt::format(
      R"({{"type":"object","required":["prompt"],"properties":{{)"
      R"("prompt":{{"description":"A text or a list of texts","oneOf":[{{"type":"string","minLength":1}},)"
      R"({{"type":"array","minItems":1,"maxItems":{},"items":{{"type":"string","minLength":1}}}}]}},)"
      R"("model":{{"type":["string","null"],"description":"A name that GET /v1/models lists; without it the text's )"
      R"(complexity chooses"}},)"
      R"("max_tokens":{{"type":["integer","null"],"minimum":1,"default":16}},)"
      R"("n":{{"type":["integer","null"],"minimum":1,"maximum":{},"default":1}},)"
      R"("temperature":{{"type":["number","null"],"minimum":0,"default":0,"description":"0: the likeliest text"}},)"
      R"("top_p":{{"type":["number","null"],"exclusiveMinimum":0,"maximum":1,"default":1}},)"
      R"("top_k":{{"type":["integer","null"],"minimum":0,"default":0}},"seed":{{"type":["integer","null"]}},)"
      R"("logit_bias":{{"type":["object","null"],"maxProperties":0,"description":"Not there"}},)"
      R"("stop":{{"oneOf":[{{"type":"null"}},{{"type":"string","minLength":1}},)"
      R"({{"type":"array","maxItems":{},"items":{{"type":"string","minLength":1}}}}]}},)"
      R"("suffix":{{"type":["string","null"],"description":"What stands behind the gap to fill"}},)"
      R"("strategy":{{"type":["string","null"],"default":"NONE","description":"Prompt strategy"}},)"
      R"("echo":{{"type":["boolean","null"],"default":false}},"stream":{{"type":["boolean","null"],"default":false}},)"
      R"("stream_options":{{"type":["object","null"],"properties":{{"include_usage":{{"type":["boolean","null"]}}}}}},)"
      R"("deadline_ms":{{"type":["integer","null"],"minimum":1,"maximum":{}}}}}}})",
      facts.max_texts, kMaxReturnSequences, kMaxStopStrings, kMaxDeadlineMs);
}

constexpr char kCompletionsResponse[] =
    R"({"type":"object","required":["id","object","created","model","choices","usage"],"properties":{)"
    R"("id":{"type":"string"},"object":{"const":"text_completion"},"created":{"type":"integer"},)"
    R"("model":{"type":"string"},"choices":{"type":"array","items":{"type":"object",)"
    R"("required":["text","index","logprobs","finish_reason"],"properties":{"text":{"type":"string"},)"
    R"("index":{"type":"integer"},"logprobs":{"type":"null"},)"
    R"("finish_reason":{"enum":["stop","length","deadline","cancelled"]},"source":{"type":"string"},)"
    R"("degraded":{"type":"boolean"},"degraded_reason":{"type":"string"},"truncated":{"type":"boolean"}}}},)"
    R"("usage":{"type":"object","properties":{"prompt_tokens":{"type":"integer"},)"
    R"("completion_tokens":{"type":"integer"},"total_tokens":{"type":"integer"}}}}})";

std::string code_request_schema() {
  return fmt::format(
      R"({{"type":"object","required":["code"],"properties":{{)"
      R"("code":{{"type":"string","minLength":1,"description":"What stands left of the cursor"}},)"
      R"("suffix":{{"type":["string","null"]}},"language":{{"type":["string","null"]}},)"
      R"("strategy":{{"type":["string","null"],"default":"TASK_PREFIX",)"
      R"("enum":["NONE","TASK_PREFIX","INSTRUCTION","FEW_SHOT","LANGUAGE_AWARE",null]}},)"
      R"("modelName":{{"type":["string","null"]}},)"
      R"("max_new_tokens":{{"type":["integer","null"],"minimum":1,"default":{}}},)"
      R"("min_new_tokens":{{"type":["integer","null"],"minimum":0}},)"
      R"("temperature":{{"type":["number","null"],"minimum":0}},)"
      R"("top_p":{{"type":["number","null"],"exclusiveMinimum":0,"maximum":1}},)"
      R"("top_k":{{"type":["integer","null"],"minimum":0}},"seed":{{"type":["integer","null"],"minimum":0}},)"
      R"("num_return_sequences":{{"type":["integer","null"],"minimum":1,"maximum":{}}},)"
      R"("stop":{{"oneOf":[{{"type":"null"}},{{"type":"string","minLength":1}},)"
      R"({{"type":"array","maxItems":{},"items":{{"type":"string","minLength":1}}}}]}},)"
      R"("deadline_ms":{{"type":["integer","null"],"minimum":1,"maximum":{},"default":200}}}}}})",
      kDefaultCompletionTokens, kMaxReturnSequences, kMaxStopStrings, kMaxDeadlineMs);
}

constexpr char kCodeResponse[] =
    R"({"type":"object","required":["text","latencyMs","language","strategy","modelName","tokensGenerated",)"
    R"("finish_reason"],"properties":{"text":{"type":"string"},"latencyMs":{"type":"number"},)"
    R"("language":{"type":"string"},"detectedLanguage":{"type":"string"},"strategy":{"type":"string"},)"
    R"("modelName":{"type":"string"},"tokensGenerated":{"type":"integer"},)"
    R"("finish_reason":{"enum":["stop","length","deadline","cancelled"]},)"
    R"("source":{"enum":["model","cache","cache_prefix","fallback"]},"degraded":{"type":"boolean"},)"
    R"("degradedReason":{"type":"string"},"truncated":{"type":"boolean"},"complexityScore":{"type":"number"},)"
    R"("reasoning":{"type":"string"},"timings":{"type":"object","additionalProperties":{"type":"number"}},)"
    R"("alternatives":{"type":"array","items":{"type":"string"}}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  return {{"CompletionsRequest", completions_request_schema(facts)},
          {"CompletionsResponse", kCompletionsResponse},
          {"CodeCompletionRequest", code_request_schema()},
          {"CodeCompletion", kCodeResponse}};
}

}  // namespace

RouteGroup completion_routes() {
  return {{{.method = Method::kPost,
            .path = "/v1/completions",
            .family = ApiFamily::kOpenAi,
            .access = Access::kKey,
            .handler = create_completion,
            .doc = {.id = "createCompletion",
                    .summary = "Texts that a model writes behind prompts",
                    .request_schema = "CompletionsRequest",
                    .response_schema = "CompletionsResponse",
                    .stream_type = "text/event-stream",
                    .errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504}}},
           {.method = Method::kPost,
            .path = "/api/v1/complete",
            .family = ApiFamily::kVivace,
            .access = Access::kKey,
            .handler = complete_code,
            .doc = {.id = "completeCode",
                    .summary = "What comes behind code",
                    .request_schema = "CodeCompletionRequest",
                    .response_schema = "CodeCompletion",
                    .errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504}}}},
          schemas};
}

}  // namespace vivace
