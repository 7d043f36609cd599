#include "server/routes_models.h"

#include <utility>

#include "server/model_change.h"
#include "server/model_json.h"

namespace vivace {
namespace {

Reply show_model(const RequestContext& context) {
  const auto model = context.server.models.snapshot(context.request.path_argument);
  if (!model) return std::unexpected(ApiError(StatusCode::kNotFound, "there is no such model"));
  JsonWriter json;
  write_model(*model, &json);
  HttpResponse response;
  response.body = json.take();
  return response;
}

template <ModelChange kChange>
boost::asio::awaitable<Reply> change_and_show(RequestContext& context) {
  auto changed = co_await change_model(context, kChange);
  if (!changed) co_return std::unexpected(std::move(changed).error());
  co_return show_model(context);
}

Route operation(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kVivace,
          .access = Access::kAdmin,
          .handler = handler,
          .doc = std::move(doc)};
}

std::vector<Schema> schemas(const ApiFacts&) {
  return {};
}

}  // namespace

RouteGroup models_routes() {
  return {{operation("/v1/models/{model}/load", change_and_show<ModelChange::kLoad>,
                     {.id = "loadModel",
                      .summary = "Loads a model of the configuration and waits until it is ready",
                      .response_schema = "Model",
                      .errors = {401, 403, 404, 408, 413, 429, 500, 503, 504}}),
           operation("/v1/models/{model}/unload", change_and_show<ModelChange::kUnload>,
                     {.id = "unloadModel",
                      .summary = "Frees a model once its requests are answered; it stays away until it is loaded again",
                      .response_schema = "Model",
                      .errors = {401, 403, 404, 408, 413, 429, 500, 503, 504}})},
          schemas};
}

}  // namespace vivace
