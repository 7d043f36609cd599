#include "server/routes_models.h"

#include <algorithm>
#include <functional>

#include "server/model_json.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

Reply show_model(const RequestContext& context) {
  const auto models = context.server.models.snapshot();
  const auto name = [](const ModelSnapshot& model) { return model.spec.name; };
  const auto model = std::ranges::find(models, context.request.path_argument, name);
  if (model == models.end()) return std::unexpected(ApiError(StatusCode::kNotFound, "there is no such model"));
  JsonWriter json;
  write_model(*model, &json);
  HttpResponse response;
  response.body = json.take();
  return response;
}

using Change = void (ModelRegistry::*)(std::string_view name, ModelRegistry::Loaded done);

template <Change kChange>
boost::asio::awaitable<Reply> change_model(RequestContext& context) {
  const std::string& name = context.request.path_argument;
  const std::function<void(ModelRegistry::Loaded)> begin = [&](ModelRegistry::Loaded done) {
    (context.server.models.*kChange)(name, std::move(done));
  };
  const auto changed = co_await await_model(context.deadline, context.cancel, begin);
  if (changed) co_return show_model(context);
  ApiError error(changed.error());
  error.param = "model";
  if (error.status.code == StatusCode::kNotFound) error.code = "model_not_found";
  co_return std::unexpected(std::move(error));
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
  return {{operation("/v1/models/{model}/load", change_model<&ModelRegistry::load>,
                     {.id = "loadModel",
                      .summary = "Loads a model of the configuration and waits until it is ready",
                      .response_schema = "Model",
                      .errors = {401, 403, 404, 408, 413, 429, 500, 503, 504}}),
           operation("/v1/models/{model}/unload", change_model<&ModelRegistry::unload>,
                     {.id = "unloadModel",
                      .summary = "Frees a model once its requests are answered; it stays away until it is loaded again",
                      .response_schema = "Model",
                      .errors = {401, 403, 404, 408, 413, 429, 500, 503, 504}})},
          schemas};
}

}  // namespace vivace
