#include "server/model_wait.h"

#include <memory>
#include <optional>
#include <stop_token>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;

// Touched on the connection's strand only.
struct Wait {
  explicit Wait(const asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline)
      : timer(executor, deadline) {}
  asio::steady_timer timer;
  std::optional<Result<void>> outcome;

  // Whether the wait has begun or not.
  void end() { timer.expires_at(std::chrono::steady_clock::time_point::min()); }
};

}  // namespace

asio::awaitable<Result<void>> await_model(std::chrono::steady_clock::time_point deadline, std::stop_token cancel,
                                          std::function<void(ModelRegistry::Loaded done)> begin) {
  const auto executor = co_await asio::this_coro::executor;
  const auto wait = std::make_shared<Wait>(executor, deadline);
  const auto end = [wait, guard = asio::make_work_guard(executor)] {
    asio::post(guard.get_executor(), [wait] { wait->end(); });
  };
  const std::stop_callback on_cancel(cancel, end);
  begin([wait, guard = asio::make_work_guard(executor)](Result<void> outcome) {
    asio::post(guard.get_executor(), [wait, outcome = std::move(outcome)]() mutable {
      wait->outcome = std::move(outcome);
      wait->end();
    });
  });
  boost::system::error_code ended;
  co_await wait->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (wait->outcome) co_return *wait->outcome;
  if (cancel.stop_requested()) co_return error(StatusCode::kCancelled, "the client went away");
  co_return error(StatusCode::kDeadlineExceeded, "the model was not ready within the request's time");
}

asio::awaitable<void> await_loading(ModelRegistry& models, std::string name, ModelKind kind,
                                    std::chrono::steady_clock::time_point deadline, std::stop_token cancel) {
  const std::function<void(ModelRegistry::Loaded)> begin = [&](ModelRegistry::Loaded done) {
    models.when_settled(name, kind, std::move(done));
  };
  co_await await_model(deadline, std::move(cancel), begin);
}

}  // namespace vivace
