#include "server/routes_openai.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "server/embed_call.h"
#include "server/model_json.h"

namespace vivace {
namespace {

boost::asio::awaitable<Reply> create_embeddings(RequestContext& context) {
  return answer_embed(context, parse_embeddings_request(context.request.body, text_limits(context.server.config)),
                      write_embeddings_response);
}

Reply list_models(const RequestContext& context) {
  JsonWriter json;
  json.begin_object().key("object").value("list").key("data").begin_array();
  for (const ModelSnapshot& model : context.server.models.snapshot()) write_model(model, &json);
  json.end_array().end_object();
  HttpResponse response;
  response.body = json.take();
  return response;
}

Reply retrieve_model(const RequestContext& context) {
  const auto model = context.server.models.snapshot(context.request.path_argument);
  if (!model) {
    ApiError error(StatusCode::kNotFound, "there is no such model; GET /v1/models lists those that are served");
    error.param = "model";
    error.code = "model_not_found";
    return std::unexpected(std::move(error));
  }
  JsonWriter json;
  write_model(*model, &json);
  HttpResponse response;
  response.body = json.take();
  return response;
}

std::string prompt_name_type(const ApiFacts& facts) {
  if (!facts.knows_prompts) return R"("type":["string","null"])";
  JsonWriter names;
  names.begin_array().null();
  for (const std::string& name : facts.prompt_names) names.value(name);
  return R"("enum":)" + names.end_array().take();
}

std::string embeddings_request_schema(const ApiFacts& facts) {
  return fmt::format(
      R"({{"type":"object","required":["input"],"properties":{{)"
      R"("input":{{"description":"A text, a list of texts, or with `tokenizer` token ids",)"
      R"("oneOf":[{{"type":"string","minLength":1}},)"
      R"({{"type":"array","minItems":1,"maxItems":{0},"items":{{"type":"string","minLength":1}}}},)"
      R"({{"type":"array","minItems":1,"items":{{"$ref":"#/components/schemas/TokenId"}}}},)"
      R"({{"type":"array","minItems":1,"maxItems":{0},"items":{{"type":"array","minItems":1,)"
      R"("items":{{"$ref":"#/components/schemas/TokenId"}}}}}}]}},)"
      R"("tokenizer":{{"type":["string","null"],)"
      R"("description":"The model's name: the input's token ids are its own, special ones included"}},)"
      R"("model":{{"type":["string","null"],"description":"A name that GET /v1/models lists; the default without it"}},)"
      R"("dimensions":{{"type":["integer","null"],"minimum":1{1},"description":"Keep this many values"}},)"
      R"("encoding_format":{{"enum":["float","base64",null],"default":"float",)"
      R"("description":"base64: of little-endian float32 values"}},)"
      R"("user":{{"description":"Taken and not used"}},)"
      R"("prompt_name":{{{2},"description":"One of the model's prompts, put before each text"}},)"
      R"("truncate":{{"type":["boolean","null"],"default":true,)"
      R"("description":"false: a text that is too long for the model is an error"}}}}}})",
      facts.max_texts, facts.max_dimensions > 0 ? fmt::format(R"(,"maximum":{})", facts.max_dimensions) : "",
      prompt_name_type(facts));
}

constexpr char kEmbeddingsResponse[] =
    R"({"type":"object","required":["object","data","model","usage"],"properties":{)"
    R"("object":{"const":"list"},"model":{"type":"string"},)"
    R"("data":{"type":"array","items":{"type":"object","required":["object","index","embedding","truncated"],)"
    R"("properties":{"object":{"const":"embedding"},"index":{"type":"integer"},)"
    R"("embedding":{"oneOf":[{"type":"array","items":{"type":"number"}},{"type":"string"}]},)"
    R"("truncated":{"type":"boolean","description":"The text was longer than the model takes, and was cut"}}}},)"
    R"("usage":{"type":"object","required":["prompt_tokens","total_tokens"],"properties":{)"
    R"("prompt_tokens":{"type":"integer"},"total_tokens":{"type":"integer"}}}}})";

constexpr char kModelList[] =
    R"({"type":"object","required":["object","data"],"properties":{"object":{"const":"list"},)"
    R"("data":{"type":"array","items":{"$ref":"#/components/schemas/Model"}}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  return {{"EmbeddingsRequest", embeddings_request_schema(facts)},
          {"TokenId", R"({"type":"integer","minimum":0,"maximum":2147483647})"},
          {"EmbeddingsResponse", kEmbeddingsResponse},
          {"Model", std::string(model_schema())},
          {"ModelList", kModelList}};
}

}  // namespace

RouteGroup openai_routes() {
  return {{{.method = Method::kPost,
            .path = "/v1/embeddings",
            .family = ApiFamily::kOpenAi,
            .access = Access::kKey,
            .handler = create_embeddings,
            .doc = {.id = "createEmbeddings",
                    .summary = "Vectors of texts",
                    .request_schema = "EmbeddingsRequest",
                    .response_schema = "EmbeddingsResponse",
                    .errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504}}},
           {.method = Method::kGet,
            .path = "/v1/models",
            .family = ApiFamily::kOpenAi,
            .access = Access::kKey,
            .handler = list_models,
            .doc = {.id = "listModels", .summary = "The models that are served", .response_schema = "ModelList"}},
           {.method = Method::kGet,
            .path = "/v1/models/{model}",
            .family = ApiFamily::kOpenAi,
            .access = Access::kKey,
            .handler = retrieve_model,
            .doc = {.id = "retrieveModel", .summary = "One model", .response_schema = "Model", .errors = {404}}}},
          schemas};
}

}  // namespace vivace
