#include "server/body_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivace {

namespace asio = boost::asio;

BodyStream::BodyStream(const asio::any_io_executor& executor)
    : m_guard(asio::make_work_guard(executor)), m_executor(executor), m_wake(executor) {}

// The waiting coroutine runs on the executor too, so this cannot come between its look and its wait.
void BodyStream::wake() {
  asio::post(m_executor, [self = shared_from_this()] { self->m_wake.cancel(); });
}

void BodyStream::push(std::string_view piece) {
  {
    const std::lock_guard lock(m_mutex);
    if (m_ended) return;
    m_pending += piece;
  }
  wake();
}

void BodyStream::release(std::shared_ptr<const void> kept) {
  asio::post(m_executor, [kept = std::move(kept)] {});
}

void BodyStream::end() {
  {
    const std::lock_guard lock(m_mutex);
    if (m_ended) return;
    m_ended = true;
  }
  wake();
  const std::lock_guard lock(m_mutex);
  m_guard.reset();
}

bool BodyStream::is_waiting_for_more() {
  const std::lock_guard lock(m_mutex);
  return m_pending.empty() && !m_ended;
}

asio::awaitable<void> BodyStream::ready() {
  while (is_waiting_for_more()) {
    m_wake.expires_at(asio::steady_timer::time_point::max());
    co_await m_wake.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<std::optional<std::string>> BodyStream::next() {
  co_await ready();
  const std::lock_guard lock(m_mutex);
  if (m_pending.empty()) co_return std::nullopt;
  co_return std::exchange(m_pending, {});
}

}  // namespace vivace
