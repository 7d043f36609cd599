// The way of every route that asks an encoder: its model is found, or waited for, and the engine's answer is awaited
// without blocking a thread of the connections.
#pragma once

#include <utility>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "server/await_callback.h"
#include "server/route.h"

namespace vivace {

// The engine that a request names, the default one for an empty name, which is filled in; kNotFound is reported as
// OpenAI does (code "model_not_found").
ApiResult<std::shared_ptr<Engine>> find_engine(const ServerContext& server, std::string* model);
// The same, once it is loaded where it is being loaded because it was asked for just now.
boost::asio::awaitable<ApiResult<std::shared_ptr<Engine>>> await_engine(RequestContext& context, std::string* model);

// Whether a model is for what the route does.
using SuitsTask = bool (*)(const ModelInfo& info);
bool gives_vectors(const ModelInfo& info);
bool gives_labels(const ModelInfo& info);  // of texts, or words for a mask
bool tags_words(const ModelInfo& info);
bool ranks_documents(const ModelInfo& info);
bool knows_entailment(const ModelInfo& info);

struct ChosenEngine {
  std::shared_ptr<Engine> engine;
  std::string model;
};

// The model of that name. For an empty one the default model, or where that is for something else the first that suits.
// Waits as await_engine().
boost::asio::awaitable<ApiResult<ChosenEngine>> choose_engine(RequestContext& context, std::string model,
                                                              SuitsTask suits);

// Takes the deadline and the cancellation from the context.
template <typename Request>
boost::asio::awaitable<ApiResult<typename Request::Response>> ask_engine(RequestContext& context, Engine& engine,
                                                                         Request request) {
  using Response = typename Request::Response;
  request.deadline = context.deadline;
  request.cancel = context.cancel;
  auto result = co_await await_callback<Result<Response>>(
      [&](std::function<void(Result<Response>)> done) { engine.submit(std::move(request), std::move(done)); });
  if (!result) co_return std::unexpected(ApiError(std::move(result).error()));
  co_return std::move(*result);
}

// The value of the header server-timing, without the total.
std::string timing_text(const ResponseTimes& times);

HttpResponse json_response(std::string body, const ResponseTimes& times);
// For families whose bodies have no place for it: how many texts were longer than the model takes and were cut.
void note_truncated(size_t texts, HttpResponse* response);

// The shape of most routes: the task's request goes to the model that it names or that suits, and
// write(task, model, answer) makes the body. `results` is the answer's member that has an entry for each text.
template <typename Task, typename Results, typename Response, typename Write>
boost::asio::awaitable<Reply> answer_task(RequestContext& context, ApiResult<Task> task, SuitsTask suits,
                                          Results Response::* results, Write write) {
  if (!task) co_return std::unexpected(std::move(task).error());
  const auto chosen = co_await choose_engine(context, task->model, suits);
  if (!chosen) co_return std::unexpected(chosen.error());
  const auto answer = co_await ask_engine(context, *chosen->engine, std::move(task->request));
  if (!answer) co_return std::unexpected(answer.error());
  HttpResponse response = json_response(write(*task, *chosen, *answer), *answer);
  const auto is_cut = [](const auto& result) { return result.truncated; };
  note_truncated(static_cast<size_t>(std::ranges::count_if((*answer).*results, is_cut)), &response);
  co_return response;
}

}  // namespace vivace
