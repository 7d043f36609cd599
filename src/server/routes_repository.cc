#include "server/routes_repository.h"

#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "server/json_fields.h"
#include "server/kserve_message.h"
#include "server/model_change.h"

namespace vivace {
namespace {

std::string_view repository_state(ModelState state) {
  switch (state) {
    case ModelState::kReady: return "READY";
    case ModelState::kLoading: return "LOADING";
    case ModelState::kFailed:
    case ModelState::kUnloaded: return "UNAVAILABLE";
  }
  return "UNKNOWN";
}

std::string_view reason_of(const ModelSnapshot& model) {
  if (!model.failure.message.empty()) return model.failure.message;
  return model.state == ModelState::kUnloaded ? "unloaded" : "";
}

// Triton's clients send an empty body, and no type of it.
ApiResult<bool> wants_ready_only(const std::string& body) {
  if (body.empty()) return false;
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  return read_flag_or(document->root(), "ready", false);
}

Reply list_repository(const RequestContext& context) {
  const auto ready_only = wants_ready_only(context.request.body);
  if (!ready_only) return std::unexpected(ready_only.error());
  JsonWriter json;
  json.begin_array();
  for (const ModelSnapshot& model : context.server.models.snapshot()) {
    if (*ready_only && model.state != ModelState::kReady) continue;
    json.begin_object().key("name").value(model.spec.name).key("version").value(kKserveVersion);
    json.key("state").value(repository_state(model.state)).key("reason").value(reason_of(model)).end_object();
  }
  HttpResponse response;
  response.body = json.end_array().take();
  return response;
}

template <ModelChange kChange>
boost::asio::awaitable<Reply> change_and_say_nothing(RequestContext& context) {
  auto changed = co_await change_model(context, kChange);
  if (!changed) co_return std::unexpected(std::move(changed).error());
  HttpResponse response;
  response.body = "{}";
  co_return response;
}

constexpr char kIndex[] =
    R"({"type":"array","items":{"type":"object","required":["name","version","state","reason"],"properties":{)"
    R"("name":{"type":"string"},"version":{"type":"string"},"reason":{"type":"string"},)"
    R"("state":{"enum":["READY","LOADING","UNAVAILABLE"]}}}})";
constexpr char kChanged[] = R"({"type":"object"})";

std::vector<Schema> schemas(const ApiFacts&) {
  return {{"KserveIndex", kIndex}, {"KserveChanged", kChanged}};
}

Route route(std::string_view path, Access access, std::variant<ImmediateHandler, WaitingHandler> handler,
            OperationDoc doc) {
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kKserve,
          .access = access,
          .handler = handler,
          .doc = std::move(doc)};
}

Route change(std::string_view path, WaitingHandler handler, std::string_view id, std::string_view summary) {
  return route(path, Access::kAdmin, handler,
               {.id = id,
                .summary = summary,
                .response_schema = "KserveChanged",
                .errors = {401, 403, 404, 408, 413, 429, 500, 503, 504}});
}

}  // namespace

RouteGroup repository_routes() {
  return {{route("/v2/repository/index", Access::kKey, list_repository,
                 {.id = "kserveIndex",
                  .summary = "Models of the configuration and whether they are ready",
                  .response_schema = "KserveIndex",
                  .errors = {400, 408, 413}}),
           change("/v2/repository/models/{model}/load", change_and_say_nothing<ModelChange::kLoad>, "kserveLoad",
                  "Loads a model of the configuration and waits until it is ready"),
           change("/v2/repository/models/{model}/unload", change_and_say_nothing<ModelChange::kUnload>, "kserveUnload",
                  "Frees a model once its requests are answered; it stays away until it is loaded again")},
          schemas};
}

}  // namespace vivace
