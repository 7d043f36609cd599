#include "server/model_change.h"

#include <functional>
#include <string>
#include <utility>

#include "server/model_wait.h"

namespace vivace {

boost::asio::awaitable<ApiResult<void>> change_model(RequestContext& context, ModelChange change) {
  const std::string& name = context.request.path_argument;
  const std::function<void(ModelRegistry::Loaded)> begin = [&](ModelRegistry::Loaded done) {
    ModelRegistry& models = context.server.models;
    change == ModelChange::kLoad ? models.load(name, std::move(done)) : models.unload(name, std::move(done));
  };
  const auto changed = co_await await_model(context.deadline, context.cancel, begin);
  if (changed) co_return ApiResult<void>();
  ApiError error(changed.error());
  error.param = "model";
  if (error.status.code == StatusCode::kNotFound) error.code = "model_not_found";
  co_return std::unexpected(std::move(error));
}

}  // namespace vivace
