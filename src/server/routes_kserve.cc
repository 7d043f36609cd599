#include "server/routes_kserve.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "server/engine_call.h"
#include "server/kserve_call.h"
#include "server/kserve_json.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kVersions = "/versions/";

// "name" or "name/versions/1".
std::pair<std::string, std::string> model_and_version(const std::string& argument) {
  const size_t at = argument.rfind(kVersions);
  if (at == std::string::npos || at + kVersions.size() == argument.size()) return {argument, ""};
  return {argument.substr(0, at), argument.substr(at + kVersions.size())};
}

HttpResponse json_body(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

Reply live(const RequestContext&) {
  return json_body(R"({"live":true})");
}

Reply ready(const RequestContext& context) {
  const bool is_ready = !context.server.draining && context.server.models.all_ready();
  HttpResponse response = json_body(fmt::format(R"({{"ready":{}}})", is_ready));
  if (!is_ready) {
    response.status = 503;
    response.headers.emplace_back("retry-after", std::to_string(kRetryAfterSeconds));
  }
  return response;
}

Reply server_metadata(const RequestContext&) {
  JsonWriter json;
  json.begin_object().key("name").value(kKserveServerName).key("version").value(VIVACE_VERSION);
  json.key("extensions").begin_array().value("binary_tensor_data").value("model_repository").end_array();
  return json_body(json.end_object().take());
}

Reply list_models(const RequestContext& context) {
  JsonWriter json;
  json.begin_object().key("models").begin_array();
  for (const ModelSnapshot& model : context.server.models.snapshot()) json.value(model.spec.name);
  return json_body(json.end_array().end_object().take());
}

Reply model_ready(const RequestContext& context) {
  const auto [model, version] = model_and_version(context.request.path_argument);
  const auto is_ready = is_kserve_model_ready(context.server, model, version);
  if (!is_ready) return std::unexpected(is_ready.error());
  JsonWriter json;
  json.begin_object().key("name").value(model).key("ready").value(*is_ready);
  HttpResponse response = json_body(json.end_object().take());
  if (!*is_ready) response.status = 503;
  return response;
}

asio::awaitable<Reply> model_metadata(RequestContext& context) {
  auto [model, version] = model_and_version(context.request.path_argument);
  const auto metadata = co_await describe_kserve_model(context, std::move(model), std::move(version));
  if (!metadata) co_return std::unexpected(metadata.error());
  co_return json_body(write_kserve_metadata(*metadata));
}

asio::awaitable<Reply> infer(RequestContext& context) {
  const HttpRequest& request = context.request;
  auto asked = parse_kserve_request(request.body, request.json_bytes, text_limits(context.server.config));
  if (!asked) co_return std::unexpected(std::move(asked).error());
  std::tie(asked->request.model, asked->request.version) = model_and_version(request.path_argument);
  const auto answer = co_await answer_kserve(context, std::move(asked->request));
  if (!answer) co_return std::unexpected(answer.error());
  KserveBody body = write_kserve_response(*asked, answer->response);
  HttpResponse response = json_response(std::move(body.text), answer->times);
  if (body.json_bytes) {
    response.content_type = kOctetStream;
    response.headers.emplace_back(kJsonBytesHeader, std::to_string(*body.json_bytes));
  }
  if (const auto cut = answer->response.parameters.find(kTruncatedTexts); cut != answer->response.parameters.end()) {
    note_truncated(static_cast<size_t>(std::get<int64_t>(cut->second)), &response);
  }
  co_return response;
}

constexpr char kLive[] = R"({"type":"object","required":["live"],"properties":{"live":{"const":true}}})";
constexpr char kReady[] = R"({"type":"object","required":["ready"],"properties":{"ready":{"type":"boolean"}}})";
constexpr char kModelReady[] = R"({"type":"object","required":["name","ready"],"properties":{)"
                               R"("name":{"type":"string"},"ready":{"type":"boolean"}}})";
constexpr char kServer[] = R"({"type":"object","required":["name","version","extensions"],"properties":{)"
                           R"("name":{"type":"string"},"version":{"type":"string"},)"
                           R"("extensions":{"type":"array","items":{"type":"string"}}}})";
constexpr char kModels[] = R"({"type":"object","required":["models"],"properties":{)"
                           R"("models":{"type":"array","items":{"type":"string"}}}})";
constexpr char kPorts[] =
    R"({"type":"array","items":{"type":"object","required":["name","datatype","shape"],"properties":{)"
    R"("name":{"type":"string"},"datatype":{"enum":["BYTES","FP32","BOOL"]},"optional":{"type":"boolean"},)"
    R"("shape":{"type":"array","items":{"type":"integer"},"description":"-1: any length"}}}})";
constexpr char kParameters[] = R"("parameters":{"type":["object","null"],"additionalProperties":)"
                               R"({"type":["boolean","number","string"]}})";

std::string model_schema_text() {
  return fmt::format(R"({{"type":"object","required":["name","versions","platform","inputs","outputs"],"properties":{{)"
                     R"("name":{{"type":"string"}},"versions":{{"type":"array","items":{{"type":"string"}}}},)"
                     R"("platform":{{"type":"string"}},"inputs":{0},"outputs":{0},)"
                     R"("properties":{{"type":"object","additionalProperties":{{"type":"string"}}}}}}}})",
                     kPorts);
}

std::string request_schema(const ApiFacts& facts) {
  return fmt::format(
      R"({{"type":"object","required":["inputs"],"properties":{{"id":{{"type":["string","null"]}},{0},)"
      R"("inputs":{{"type":"array","minItems":1,"maxItems":16,"items":{{"type":"object",)"
      R"("required":["name","shape","datatype","data"],"properties":{{"name":{{"type":"string","minLength":1,)"
      R"("maxLength":256}},"datatype":{{"const":"BYTES"}},{0},"shape":{{"type":"array","minItems":1,"maxItems":8,)"
      R"("items":{{"type":"integer","minimum":1,"maximum":2147483647}}}},)"
      R"("data":{{"type":"array","minItems":1,"maxItems":{1},"items":{{"type":"string","minLength":1}}}}}}}}}},)"
      R"("outputs":{{"type":["array","null"],"maxItems":16,"items":{{"type":"object","required":["name"],)"
      R"("properties":{{"name":{{"type":"string","minLength":1,"maxLength":256}},{0}}}}}}}}}}})",
      kParameters, facts.max_texts);
}

constexpr char kResponse[] =
    R"({"type":"object","required":["model_name","model_version","outputs"],"properties":{)"
    R"("model_name":{"type":"string"},"model_version":{"type":"string"},"id":{"type":"string"},)"
    R"("parameters":{"type":"object"},"outputs":{"type":"array","items":{"type":"object",)"
    R"("required":["name","shape","datatype"],"properties":{"name":{"type":"string"},"datatype":{"type":"string"},)"
    R"("shape":{"type":"array","items":{"type":"integer"}},"parameters":{"type":"object"},"data":{"type":"array"}}}}}})";

std::vector<Schema> schemas(const ApiFacts& facts) {
  return {{"KserveLive", kLive},
          {"KserveReady", kReady},
          {"KserveModelReady", kModelReady},
          {"KserveServer", kServer},
          {"KserveModels", kModels},
          {"KserveModel", model_schema_text()},
          {"KserveRequest", request_schema(facts)},
          {"KserveResponse", kResponse}};
}

Route route(Method method, std::string_view path, std::variant<ImmediateHandler, WaitingHandler> handler,
            OperationDoc doc) {
  return {.method = method,
          .path = path,
          .family = ApiFamily::kKserve,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

Route probe(std::string_view path, ImmediateHandler handler, OperationDoc doc) {
  Route public_route = route(Method::kGet, path, handler, std::move(doc));
  public_route.access = Access::kPublic;
  return public_route;
}

}  // namespace

RouteGroup kserve_routes() {
  const std::vector<int> waiting = {400, 404, 408, 429, 500, 503, 504};
  return {{probe("/v2/health/live", live,
                 {.id = "kserveLive", .summary = "Whether the process is alive", .response_schema = "KserveLive"}),
           probe("/v2/health/ready", ready,
                 {.id = "kserveReady",
                  .summary = "Whether every model is loaded and warm",
                  .response_schema = "KserveReady",
                  .unready_schema = "KserveReady"}),
           route(Method::kGet, "/v2", server_metadata,
                 {.id = "kserveServer", .summary = "Facts about the server", .response_schema = "KserveServer"}),
           route(Method::kGet, "/v2/models", list_models,
                 {.id = "kserveModels", .summary = "Names of the models", .response_schema = "KserveModels"}),
           route(Method::kGet, "/v2/models/{model}", model_metadata,
                 {.id = "kserveModel",
                  .summary = "The tensors that a model takes and gives",
                  .response_schema = "KserveModel",
                  .errors = waiting}),
           route(Method::kGet, "/v2/models/{model}/ready", model_ready,
                 {.id = "kserveModelReady",
                  .summary = "Whether a model is loaded and warm",
                  .response_schema = "KserveModelReady",
                  .errors = {404},
                  .unready_schema = "KserveModelReady"}),
           route(Method::kPost, "/v2/models/{model}/infer", infer,
                 {.id = "kserveInfer",
                  .summary = "A model's answer to tensors of texts",
                  .request_schema = "KserveRequest",
                  .response_schema = "KserveResponse",
                  .errors = {400, 404, 408, 411, 413, 415, 429, 500, 503, 504},
                  .takes_binary = true})},
          schemas};
}

}  // namespace vivace
