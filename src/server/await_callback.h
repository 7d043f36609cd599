// From "call me when it is done" to co_await: for handlers that wait for work on other threads.
#pragma once

#include <utility>

#include <functional>
#include <memory>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivace {

// start(done) begins the work, which calls done(T) once, on any thread. The coroutine goes on with T on its own
// executor.
template <typename T, typename Start>
boost::asio::awaitable<T> await_callback(Start start) {
  namespace asio = boost::asio;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      [](auto handler, Start begin) {
        const auto executor = asio::get_associated_executor(handler);
        // std::function wants something copyable; the guard keeps the executor's context running meanwhile.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto guard = asio::make_work_guard(executor);
        begin([shared, guard](T value) {
          asio::post(guard.get_executor(),
                     [shared, value = std::move(value)]() mutable { (*shared)(std::move(value)); });
        });
      },
      asio::use_awaitable, std::move(start));
}

}  // namespace vivace
