// The time by which what a connection waits for must have come.
//
// A deadline that passes cancels the owner's waits. Each wait has one of its own, mostly later than that of the wait
// before: the timer runs on and finds out when it fires, so that no request pays for a timer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace vivace {

// Lives in its owner, and on the owner's executor.
class WaitDeadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WaitDeadline(const boost::asio::any_io_executor& executor) : m_timer(executor) {}

  // Call once, before all others. The owner is kept alive while the timer runs; cancel is called when a deadline has
  // passed, and again every few milliseconds until another one is set.
  void start(const std::shared_ptr<void>& owner, std::function<void()> cancel);
  // Forgets what has passed.
  void set(Clock::duration from_now);
  // From now on nothing has to come, until set().
  void clear() { m_deadline = Clock::time_point::max(); }
  // For good.
  void stop();
  // Whether the last deadline is over, and waits were cancelled for it.
  bool has_passed() const { return m_has_passed; }

 private:
  void arm(Clock::time_point time);
  void on_timer();

  boost::asio::steady_timer m_timer;  // re-armed only for an earlier deadline
  std::weak_ptr<void> m_owner;
  std::function<void()> m_cancel;
  Clock::time_point m_deadline = Clock::time_point::max();
  bool m_armed = false;
  bool m_has_passed = false;
  bool m_stopped = false;
};

}  // namespace vivace
