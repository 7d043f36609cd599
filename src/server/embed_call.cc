#include "server/embed_call.h"

#include <functional>
#include <memory>

#include <fmt/format.h>

#include "server/await_callback.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

constexpr size_t kMaxModelNameBytes = 256;  // longer ones are nobody's name and would only fill logs and messages

std::string timing_text(const EmbedResponse& response) {
  return fmt::format("tokenize;dur={:.3f}, queue;dur={:.3f}, compute;dur={:.3f}", response.tokenize_ms,
                     response.queue_ms, response.compute_ms);
}

ApiError model_error(Status status) {
  ApiError error(std::move(status));
  error.param = "model";
  if (error.status.code == StatusCode::kNotFound) error.code = "model_not_found";
  return error;
}

}  // namespace

ApiResult<std::shared_ptr<Engine>> find_engine(const ServerContext& server, std::string* model) {
  if (model->size() > kMaxModelNameBytes) {
    return std::unexpected(model_error(
        {StatusCode::kNotFound, fmt::format("no model has a name of more than {} bytes", kMaxModelNameBytes)}));
  }
  auto engine = server.models.find(*model);
  if (!engine) return std::unexpected(model_error(std::move(engine).error()));
  if (model->empty()) *model = server.models.default_name();
  return std::move(*engine);
}

asio::awaitable<Reply> answer_embed(RequestContext& context, ApiResult<EmbedTask> task, EmbedWriter write) {
  if (!task) co_return std::unexpected(std::move(task).error());
  auto engine = find_engine(context.server, &task->model);
  if (!engine && engine.error().status.code == StatusCode::kUnavailable) {
    co_await await_loading(context.server.models, task->model, ModelKind::kEncoder, context.deadline);
    engine = find_engine(context.server, &task->model);
  }
  if (!engine) co_return std::unexpected(std::move(engine).error());
  task->request.deadline = context.deadline;
  task->request.cancel = context.cancel;
  using Done = std::function<void(Result<EmbedResponse>)>;
  auto result = co_await await_callback<Result<EmbedResponse>>(
      [&](Done done) { (*engine)->submit(std::move(task->request), std::move(done)); });
  if (!result) co_return std::unexpected(ApiError(std::move(result).error()));
  HttpResponse response;
  response.body = write(*task, *result);
  response.server_timing = timing_text(*result);
  co_return response;
}

}  // namespace vivace
