#include "server/wait_deadline.h"

#include <utility>

namespace vivace {
namespace {

constexpr std::chrono::milliseconds kCancelPause{50};

}  // namespace

void WaitDeadline::start(const std::shared_ptr<void>& owner, std::function<void()> cancel) {
  m_owner = owner;
  m_cancel = std::move(cancel);
}

void WaitDeadline::set(Clock::duration from_now) {
  m_has_passed = false;
  if (m_stopped) return;
  m_deadline = Clock::now() + from_now;
  if (!m_armed || m_deadline < m_timer.expiry()) arm(m_deadline);
}

void WaitDeadline::stop() {
  m_stopped = true;
  m_timer.cancel();
}

void WaitDeadline::arm(Clock::time_point time) {
  m_armed = true;
  m_timer.expires_at(time);
  m_timer.async_wait([this, owner = m_owner.lock()](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void WaitDeadline::on_timer() {
  m_armed = false;
  if (m_stopped) return;
  if (Clock::now() < m_deadline) return arm(m_deadline);
  m_has_passed = true;
  m_cancel();
  // Only what waits is cancelled. What had just ended may have begun anew, without looking: again, until there is
  // another deadline.
  arm(Clock::now() + kCancelPause);
}

}  // namespace vivace
