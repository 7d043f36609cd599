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

// What only the model knows whether it has it.
struct AskedOfModel {
  int dimensions = 0;  // 0: all
  std::string prompt_name;
};

// The engine's error, blamed on the field that the client knows.
ApiError embed_error(Status problem, const AskedOfModel& asked, const ModelInfo& model) {
  ApiError error(std::move(problem));
  if (error.status.code == StatusCode::kUnsupported) error.param = "model";
  if (error.status.code == StatusCode::kTooLarge) error.param = "input";
  if (error.status.code != StatusCode::kInvalidArgument) return error;
  // In the order in which the engine looks at them.
  if (asked.dimensions > model.embedding_size) {
    error.param = "dimensions";
  } else if (!asked.prompt_name.empty() && !model.prompts.contains(asked.prompt_name)) {
    error.param = "prompt_name";
  } else {
    error.param = "input";
  }
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
  if (!task->tokenizer.empty() && task->tokenizer != task->model) {
    co_return field_error({StatusCode::kInvalidArgument,
                           fmt::format("request body: tokenizer: must name the model, which is '{}'", task->model)},
                          "tokenizer");
  }
  const AskedOfModel asked{.dimensions = task->request.dimensions.value_or(0),
                           .prompt_name = task->request.prompt_name.value_or("")};
  task->request.deadline = context.deadline;
  task->request.cancel = context.cancel;
  using Done = std::function<void(Result<EmbedResponse>)>;
  auto result = co_await await_callback<Result<EmbedResponse>>(
      [&](Done done) { (*engine)->submit(std::move(task->request), std::move(done)); });
  if (!result) co_return std::unexpected(embed_error(std::move(result).error(), asked, (*engine)->info()));
  HttpResponse response;
  response.body = write(*task, *result);
  response.server_timing = timing_text(*result);
  co_return response;
}

}  // namespace vivace
