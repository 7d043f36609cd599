#include "server/completion_call.h"

#include <atomic>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;

// Starts the requests; the last answer resumes the waiting coroutine on its own executor.
struct StartCompletions {
  CompletionService& service;

  template <typename Handler>
  void operator()(Handler&& handler, std::vector<CompletionRequest> requests) const {
    struct State {
      std::decay_t<Handler> handler;
      std::atomic<size_t> open;
      std::vector<std::optional<Result<Completion>>> answers;
    };
    const auto executor = asio::get_associated_executor(handler);
    auto guard = asio::make_work_guard(executor);
    const size_t count = requests.size();
    auto state = std::make_shared<State>(std::forward<Handler>(handler), count,
                                         std::vector<std::optional<Result<Completion>>>(count));
    for (size_t i = 0; i < count; ++i) {
      service.complete(std::move(requests[i]), [state, guard, i](Result<Completion> completion) {
        state->answers[i] = std::move(completion);
        if (--state->open > 0) return;
        Completions all;
        for (auto& answer : state->answers) all.push_back(std::move(*answer));
        asio::post(guard.get_executor(),
                   [state, all = std::move(all)]() mutable { std::move(state->handler)(std::move(all)); });
      });
    }
  }
};

}  // namespace

asio::awaitable<Completions> complete_all(CompletionService& service, std::vector<CompletionRequest> requests) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Completions)>(
      StartCompletions{service}, asio::use_awaitable, std::move(requests));
}

ApiError completion_error(const Status& problem) {
  ApiError error(problem);
  if (problem.code == StatusCode::kNotFound) {
    error.param = "model";
    error.code = "model_not_found";
  }
  return error;
}

ApiResult<CompletionService*> find_completion_service(const ServerContext& server) {
  if (server.completion != nullptr) return server.completion;
  return std::unexpected(ApiError(StatusCode::kUnavailable,
                                  "no model named 'completion' is served here; start with --model completion=DIR"));
}

std::string completion_timing(const GenerateResponse& response) {
  return fmt::format(
      "tokenize;dur={:.3f}, queue;dur={:.3f}, encode;dur={:.3f}, decode;dur={:.3f}, detokenize;dur={:.3f}",
      response.tokenize_ms, response.queue_ms, response.encode_ms, response.decode_ms, response.detokenize_ms);
}

}  // namespace vivace
