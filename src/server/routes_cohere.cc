#include "server/routes_cohere.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "server/cohere_json.h"
#include "server/engine_call.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

template <const char* kVersion>
asio::awaitable<Reply> rerank(RequestContext& context) {
  return answer_task(context, parse_rerank_request(context.request.body, text_limits(context.server.config)),
                     ranks_documents, &RankResponse::ranking,
                     [&context](const RerankTask& task, const ChosenEngine& chosen, const RankResponse& answer) {
                       const CohereMeta meta{.id = context.request.id, .api_version = kVersion};
                       return write_rerank_response(meta, chosen.model, task, answer);
                     });
}

template <const char* kVersion>
asio::awaitable<Reply> embed(RequestContext& context) {
  auto task = parse_cohere_embed_request(context.request.body, text_limits(context.server.config));
  if (!task) co_return std::unexpected(std::move(task).error());
  const auto chosen = co_await choose_engine(context, task->model, gives_vectors);
  if (!chosen) co_return std::unexpected(chosen.error());
  const std::string prompt = prompt_for(task->input_type, chosen->engine->info().prompt_names);
  if (!prompt.empty()) task->request.prompt_name = prompt;
  const std::vector<std::string> texts = task->request.texts;
  const auto answer = co_await ask_engine(context, *chosen->engine, std::move(task->request));
  if (!answer) co_return std::unexpected(answer.error());
  const CohereMeta meta{.id = context.request.id, .api_version = kVersion};
  HttpResponse response = json_response(write_cohere_embed_response(meta, *task, texts, *answer), *answer);
  note_truncated(static_cast<size_t>(std::ranges::count(answer->embeddings, true, &TextEmbedding::truncated)),
                 &response);
  co_return response;
}

std::string rerank_request_schema(const ApiFacts& facts) {
  return fmt::format(
      R"({{"type":"object","required":["query","documents"],"properties":{{"model":{{"type":["string","null"],)"
      R"("description":"A name that GET /v1/models lists; without it the first that ranks"}},)"
      R"("query":{{"type":"string","minLength":1}},"documents":{{"type":"array","minItems":1,"maxItems":{},)"
      R"("items":{{"oneOf":[{{"type":"string","minLength":1}},{{"type":"object","required":["text"],)"
      R"("properties":{{"text":{{"type":"string","minLength":1}}}}}}]}}}},)"
      R"("top_n":{{"type":["integer","null"],"minimum":1,"maximum":2147483647,"description":"The best ones only"}},)"
      R"("return_documents":{{"type":["boolean","null"],"default":false}}}}}})",
      facts.max_texts);
}

std::string embed_request_schema(const ApiFacts& facts) {
  return fmt::format(
      R"({{"type":"object","required":["texts"],"properties":{{"model":{{"type":["string","null"]}},)"
      R"("texts":{{"type":["array","string"],"minItems":1,"minLength":1,"maxItems":{},"items":{{"type":"string","minLength":1}}}},)"
      R"("input_type":{{"type":["string","null"],"description":"Chooses the model's prompt of that meaning, if it has one"}},)"
      R"("embedding_types":{{"type":["array","null"],"minItems":1,"maxItems":16,"items":{{"enum":["float","base64","binary","ubinary"]}}}},)"
      R"("output_dimension":{{"type":["integer","null"],"minimum":1{},"description":"Keep this many values"}},)"
      R"("truncate":{{"enum":["START","END","NONE",null],"description":"Which end of a text is cut, without it as the model's )"
      R"(tokenizer names; NONE: a text that is too long is an error"}}}}}})",
      facts.max_texts, facts.max_dimensions > 0 ? fmt::format(R"(,"maximum":{})", facts.max_dimensions) : "");
}

constexpr char kMeta[] = R"("meta":{"type":"object","required":["api_version","billed_units"],"properties":{)"
                         R"("api_version":{"type":"object"},"billed_units":{"type":"object"}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  return {
      {"CohereRerankRequest", rerank_request_schema(facts)},
      {"CohereRerankResponse",
       fmt::format(R"({{"type":"object","required":["id","results","meta"],"properties":{{"id":{{"type":"string"}},)"
                   R"("model":{{"type":"string"}},"results":{{"type":"array","items":{{"type":"object",)"
                   R"("required":["index","relevance_score"],"properties":{{"index":{{"type":"integer"}},)"
                   R"("relevance_score":{{"type":"number"}},"document":{{"type":"object"}}}}}}}},{}}}}})",
                   kMeta)},
      {"CohereEmbedRequest", embed_request_schema(facts)},
      {"CohereEmbedResponse",
       fmt::format(
           R"({{"type":"object","required":["id","embeddings","texts","meta"],"properties":{{)"
           R"("id":{{"type":"string"}},"texts":{{"type":"array","items":{{"type":"string"}}}},)"
           R"("embeddings":{{"oneOf":[{{"type":"array"}},{{"type":"object","properties":{{"float":{{"type":"array"}},)"
           R"("base64":{{"type":"array","items":{{"type":"string"}}}},)"
           R"("binary":{{"type":"array"}},"ubinary":{{"type":"array"}}}}}}]}},{}}}}})",
           kMeta)}};
}

Route route(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  doc.errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504};
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kCohere,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

OperationDoc rerank_doc(std::string_view id) {
  return {.id = id,
          .summary = "Documents by how well they answer a query",
          .request_schema = "CohereRerankRequest",
          .response_schema = "CohereRerankResponse"};
}

OperationDoc embed_doc(std::string_view id) {
  return {.id = id,
          .summary = "Vectors of texts",
          .request_schema = "CohereEmbedRequest",
          .response_schema = "CohereEmbedResponse"};
}

}  // namespace

RouteGroup cohere_routes() {
  return {{route("/v1/rerank", rerank<kCohereVersion1>, rerank_doc("rerankV1")),
           route("/v2/rerank", rerank<kCohereVersion2>, rerank_doc("rerankV2")),
           route("/v1/embed", embed<kCohereVersion1>, embed_doc("embedV1")),
           route("/v2/embed", embed<kCohereVersion2>, embed_doc("embedV2"))},
          schemas};
}

}  // namespace vivace
