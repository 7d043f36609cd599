#include "server/routes_tasks.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/answer_json.h"
#include "server/engine_call.h"
#include "server/tasks_json.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

void write_classes(const Classification& result, JsonWriter* json) {
  write_labels(result.labels, json);
}

template <typename Request, typename WriteMembers>
asio::awaitable<Reply> answer(RequestContext& context, ChosenEngine chosen, Request request, WriteMembers write) {
  auto response = co_await ask_engine(context, *chosen.engine, std::move(request));
  if (!response) co_return std::unexpected(std::move(response).error());
  co_return json_response(write_results(chosen.model, response->results, write), *response);
}

// Labels of the caller's own need entailment; a masked language model answers with words for its masks.
asio::awaitable<Reply> classify(RequestContext& context) {
  auto task = parse_classify_request(context.request.body, text_limits(context.server.config));
  if (!task) co_return std::unexpected(std::move(task).error());
  auto chosen = co_await choose_engine(context, task->model, task->labels.empty() ? gives_labels : knows_entailment);
  if (!chosen) co_return std::unexpected(std::move(chosen).error());
  if (!task->labels.empty()) {
    auto request = zero_shot_request(std::move(*task));
    if (!request) co_return std::unexpected(std::move(request).error());
    co_return co_await answer(context, std::move(*chosen), std::move(*request), write_classes);
  }
  if (chosen->engine->info().task == ModelTask::kMaskedLanguageModel) {
    auto request = fill_mask_request(std::move(*task));
    if (!request) co_return std::unexpected(std::move(request).error());
    co_return co_await answer(context, std::move(*chosen), std::move(*request), write_masks);
  }
  co_return co_await answer(context, std::move(*chosen), std::move(task->request), write_classes);
}

asio::awaitable<Reply> tag(RequestContext& context) {
  auto task = parse_tag_request(context.request.body, text_limits(context.server.config));
  if (!task) co_return std::unexpected(std::move(task).error());
  auto chosen = co_await choose_engine(context, task->model, tags_words);
  if (!chosen) co_return std::unexpected(std::move(chosen).error());
  const auto write = task->request.detail == TagDetail::kTokens ? write_token_scores : write_words;
  co_return co_await answer(context, std::move(*chosen), std::move(task->request), write);
}

asio::awaitable<Reply> entail(RequestContext& context) {
  auto task = parse_entail_request(context.request.body, text_limits(context.server.config));
  if (!task) co_return std::unexpected(std::move(task).error());
  auto chosen = co_await choose_engine(context, task->model, knows_entailment);
  if (!chosen) co_return std::unexpected(std::move(chosen).error());
  co_return co_await answer(context, std::move(*chosen), std::move(task->request), write_entailment);
}

// The fields of one input, those of the route, and what all three take.
std::string request_schema(const ApiFacts& facts, std::string_view required, std::string_view input,
                           std::string_view inputs, std::string_view more) {
  return fmt::format(R"({{"type":"object","anyOf":[{{"required":[{}]}},{{"required":["inputs"]}}],"properties":{{{},)"
                     R"("inputs":{{"type":["array","null"],"minItems":1,"maxItems":{},"items":{},)"
                     R"("description":"Several inputs instead of one"}},{}"model":{{"type":["string","null"],)"
                     R"("description":"A name that GET /v1/models lists; without it the first that suits"}},)"
                     R"("truncate":{{"type":["boolean","null"],"default":true,)"
                     R"("description":"false: a text that is too long for the model is an error"}}}}}})",
                     required, input, facts.max_texts, inputs, more);
}

// null counts as absent.
constexpr char kText[] = R"("text":{"type":["string","null"],"minLength":1})";
constexpr char kPair[] =
    R"("text":{"type":["string","null"],"minLength":1},"text_pair":{"type":["string","null"],"minLength":1})";
constexpr char kPremise[] =
    R"("premise":{"type":["string","null"],"minLength":1},"hypothesis":{"type":["string","null"],"minLength":1})";

std::string text_or(std::string_view members) {
  return fmt::format(R"({{"oneOf":[{{"type":"string","minLength":1}},{{"type":"object","required":["text"],)"
                     R"("properties":{{{}}}}}]}})",
                     members);
}

constexpr char kClassifyFields[] =
    R"("top_k":{"type":["integer","null"],"minimum":1,"maximum":2147483647,"description":"The best labels only"},)"
    R"("activation":{"enum":["softmax","sigmoid","none",null],"description":"Instead of the model's own"},)"
    R"("labels":{"type":["array","string","null"],"minItems":1,"minLength":1,"maxItems":1000,"items":{"type":"string",)"
    R"("minLength":1,"maxLength":1024},"description":"Of your own, scored by a model that knows entailment"},)"
    R"("hypothesis_template":{"type":["string","null"],"default":"This example is {}."},)"
    R"("multi_label":{"type":["boolean","null"],"default":false},)";
constexpr char kTagFields[] = R"("aggregation":{"enum":["simple","first","average","max",null],"default":"simple"},)"
                              R"("per_token":{"type":["boolean","null"],"default":false},)";

std::string response_schema(std::string_view members) {
  return fmt::format(R"({{"type":"object","required":["model","results"],"properties":{{"model":{{"type":"string"}},)"
                     R"("results":{{"type":"array","items":{{"type":"object","required":["index","truncated"],)"
                     R"("properties":{{"index":{{"type":"integer"}},"truncated":{{"type":"boolean",)"
                     R"("description":"The text was longer than the model takes, and was cut"}},{}}}}}}}}}}})",
                     members);
}

constexpr char kLabelList[] = R"({"type":"array","items":{"type":"object","required":["label","score"],)"
                              R"("properties":{"label":{"type":"string"},"score":{"type":"number"}}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  return {
      {"ClassifyRequest", request_schema(facts, R"("text")", kPair, text_or(kPair), kClassifyFields)},
      {"ClassifyResponse",
       response_schema(fmt::format(R"("labels":{},"masks":{{"type":"array","items":{}}})", kLabelList, kLabelList))},
      {"TagRequest", request_schema(facts, R"("text")", kText, text_or(kText), kTagFields)},
      {"TagResponse", response_schema(R"("words":{"type":"array"},"spans":{"type":"array"},"tokens":{"type":"array"},)"
                                      R"("offsets":{"type":"array"},"scores":{"type":"array"})")},
      {"EntailRequest",
       request_schema(
           facts, R"("premise","hypothesis")", kPremise,
           fmt::format(R"({{"type":"object","required":["premise","hypothesis"],"properties":{{{}}}}})", kPremise),
           "")},
      {"EntailResponse", response_schema(R"("label":{"type":"string"},"scores":{"type":"object",)"
                                         R"("additionalProperties":{"type":"number"}})")}};
}

Route route(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  doc.errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504};
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kVivace,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

}  // namespace

RouteGroup tasks_routes() {
  return {{route("/v1/classify", classify,
                 {.id = "classify",
                  .summary = "Label scores of texts or pairs, the best first",
                  .request_schema = "ClassifyRequest",
                  .response_schema = "ClassifyResponse"}),
           route("/v1/tag", tag,
                 {.id = "tag",
                  .summary = "Labels of words, and spans of them",
                  .request_schema = "TagRequest",
                  .response_schema = "TagResponse"}),
           route("/v1/entail", entail,
                 {.id = "entail",
                  .summary = "Whether hypotheses follow from premises",
                  .request_schema = "EntailRequest",
                  .response_schema = "EntailResponse"})},
          schemas};
}

}  // namespace vivace
