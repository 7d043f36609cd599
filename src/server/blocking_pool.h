// Threads for work that waits (for a model, a database): a connection's coroutine gives it away and goes on when it is
// done, so that no thread of the connections ever waits. Bounded: what would wait too long is refused at once.
#pragma once

#include <utility>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "server/error_table.h"

namespace vivace {

class BlockingPool {
 public:
  BlockingPool(size_t threads, size_t most_waiting) : m_most(threads + most_waiting), m_pool(threads) {}
  ~BlockingPool() { m_pool.join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // work() -> ApiResult<T> on one of the threads; kOverloaded at once when too much waits. What work refers to must
  // live until then: a coroutine that awaits this at once may give it its own variables.
  template <typename Work>
  boost::asio::awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using Answer = std::invoke_result_t<Work&>;
    namespace asio = boost::asio;
    if (m_pending.fetch_add(1) >= m_most) {
      m_pending.fetch_sub(1);
      co_return std::unexpected(
          ApiError(StatusCode::kOverloaded, "too many requests are waiting; try again in a moment"));
    }
    const auto start = [this](auto&& handler, Work task) {
      const auto executor = asio::get_associated_executor(handler);
      auto shared = std::make_shared<std::decay_t<decltype(handler)>>(std::forward<decltype(handler)>(handler));
      asio::post(m_pool, [this, shared, guard = asio::make_work_guard(executor), task = std::move(task)]() mutable {
        Answer answer = attempt(task);
        m_pending.fetch_sub(1);
        asio::post(guard.get_executor(),
                   [shared, answer = std::move(answer)]() mutable { (*shared)(std::move(answer)); });
      });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(start, asio::use_awaitable,
                                                                                         std::move(work));
  }

 private:
  // As everywhere, an exception is a bug of ours and must not end the process.
  template <typename Work>
  static std::invoke_result_t<Work&> attempt(Work& work) {
    try {
      return work();
    } catch (const std::exception& exception) {
      log_error("a handler failed: {}", exception.what());
    }
    return std::unexpected(ApiError(StatusCode::kInternal, "the server failed; its log says why"));
  }

  const size_t m_most;
  std::atomic<size_t> m_pending{0};
  boost::asio::thread_pool m_pool;
};

}  // namespace vivace
