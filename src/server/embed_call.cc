#include "server/embed_call.h"

#include <fmt/format.h>

#include "server/engine_call.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

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

asio::awaitable<Reply> answer_embed(RequestContext& context, ApiResult<EmbedTask> task, EmbedWriter write) {
  if (!task) co_return std::unexpected(std::move(task).error());
  const auto engine = co_await await_engine(context, &task->model);
  if (!engine) co_return std::unexpected(engine.error());
  if (!task->tokenizer.empty() && task->tokenizer != task->model) {
    co_return field_error({StatusCode::kInvalidArgument,
                           fmt::format("request body: tokenizer: must name the model, which is '{}'", task->model)},
                          "tokenizer");
  }
  const AskedOfModel asked{.dimensions = task->request.dimensions.value_or(0),
                           .prompt_name = task->request.prompt_name.value_or("")};
  auto result = co_await ask_engine(context, **engine, std::move(task->request));
  if (!result) co_return std::unexpected(embed_error(std::move(result).error().status, asked, (*engine)->info()));
  co_return json_response(write(*task, *result), *result);
}

}  // namespace vivace
