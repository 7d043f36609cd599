// A response's body that is made while it is sent: pieces come from any thread, the connection takes them.
#pragma once

#include <utility>  // Asio 1.81 forgets it

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

namespace vivace {

class BodyStream : public std::enable_shared_from_this<BodyStream> {
 public:
  // executor: the connection's. Its context is kept running until end().
  explicit BodyStream(const boost::asio::any_io_executor& executor);

  // Thread-safe; never wait. Nothing is taken after end().
  void push(std::string_view piece);
  void end();
  // Lets go of something on the executor, not on the caller's thread.
  void release(std::shared_ptr<const void> kept);

  // On the executor, one at a time. ready(): a piece or the end is there. next(): all that is there, nullopt at the
  // end.
  boost::asio::awaitable<void> ready();
  boost::asio::awaitable<std::optional<std::string>> next();

 private:
  void wake();
  bool is_waiting_for_more();

  std::mutex m_mutex;
  std::string m_pending;
  bool m_ended = false;
  std::optional<boost::asio::executor_work_guard<boost::asio::any_io_executor>> m_guard;
  boost::asio::any_io_executor m_executor;
  boost::asio::steady_timer m_wake;
};

}  // namespace vivace
