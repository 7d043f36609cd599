#include "server/await_worker.h"

#include <atomic>
#include <exception>
#include <memory>
#include <optional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"

namespace vivace {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// As everywhere, an exception is a bug of ours and must not end the process.
Reply attempt(const std::function<Reply()>& work) {
  try {
    return work();
  } catch (const std::exception& exception) {
    log_error("a handler failed: {}", exception.what());
  }
  return std::unexpected(ApiError(StatusCode::kInternal, "the server failed; its log says why"));
}

struct Wait {
  Wait(const asio::any_io_executor& executor, Clock::time_point deadline) : timer(executor, deadline) {}
  std::atomic<bool> taken = false;  // by the thread that begins the work, or by the coroutine that goes on without it
  // Touched on the coroutine's executor only.
  asio::steady_timer timer;
  std::optional<Reply> reply;
};

}  // namespace

asio::awaitable<Reply> await_worker(WorkerPool& workers, Clock::time_point deadline, std::function<Reply()> work) {
  const auto executor = co_await asio::this_coro::executor;
  const auto wait = std::make_shared<Wait>(executor, deadline);
  const auto queued = workers.submit([wait, guard = asio::make_work_guard(executor), work = std::move(work)] {
    if (wait->taken.exchange(true)) return;
    asio::post(guard.get_executor(), [wait, reply = attempt(work)]() mutable {
      wait->reply = std::move(reply);
      wait->timer.expires_at(Clock::time_point::min());  // ends the wait, begun or not
    });
  });
  if (!queued) co_return std::unexpected(ApiError(queued.error()));
  boost::system::error_code ended;
  co_await wait->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (!wait->reply && !wait->taken.exchange(true)) {
    co_return std::unexpected(ApiError(StatusCode::kDeadlineExceeded, "the request's time is over"));
  }
  // What has begun knows its deadline, and refers to what this coroutine keeps.
  while (!wait->reply) {
    wait->timer.expires_at(Clock::time_point::max());
    co_await wait->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  }
  co_return std::move(*wait->reply);
}

}  // namespace vivace
