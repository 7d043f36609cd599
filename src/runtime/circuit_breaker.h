// Stops calling what keeps failing, and finds out by itself when it works again.
//
// Closed: calls go through. When at least half of the last calls failed it opens: calls are refused at once. After a
// pause one call may try (half-open): success closes the breaker, failure opens it again for twice as long.
// Nygard, "Release It!", chapter 5. Thread-safe; time is passed in, so that tests need no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

struct CircuitBreakerOptions {
  size_t window_calls = 20;    // last calls that count
  size_t smallest_window = 5;  // fewer calls than this never open it
  double failure_share = 0.5;  // of the window, at or above which it opens
  double first_pause_seconds = 5;
  double longest_pause_seconds = 60;
};

enum class BreakerState : uint8_t { kClosed, kOpen, kHalfOpen };
std::string_view breaker_state_name(BreakerState state);  // "closed", "open", "half_open"

struct BreakerSnapshot {
  BreakerState state = BreakerState::kClosed;
  size_t window_calls = 0;
  size_t window_failures = 0;
  uint64_t opened = 0;             // times that it opened
  uint64_t half_opened = 0;        // times that a call was let through to try, once after each opening
  uint64_t closed = 0;             // times that it closed again
  uint64_t refused = 0;            // calls that it stopped
  double retry_after_seconds = 0;  // until the next call may try; 0 unless open
};

class CircuitBreaker {
 public:
  using Clock = std::chrono::steady_clock;

  // A call that went through. Its end must be told with succeeded() or failed(); a call that is destroyed untold was
  // abandoned and counts as neither. Must not outlive the breaker.
  class Call {
   public:
    Call(Call&& other) noexcept;
    Call& operator=(Call&&) = delete;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();
    void succeeded(Clock::time_point now);
    void failed(Clock::time_point now);

   private:
    friend class CircuitBreaker;
    Call(CircuitBreaker* breaker, uint64_t era) : m_breaker(breaker), m_era(era) {}
    CircuitBreaker* m_breaker;  // nullptr once told
    uint64_t m_era;
  };

  // name: what the messages call the thing behind it.
  explicit CircuitBreaker(std::string name, CircuitBreakerOptions options = {});

  // kUnavailable, with the seconds to wait, while calls are stopped.
  Result<Call> begin(Clock::time_point now);

  BreakerSnapshot snapshot(Clock::time_point now) const;

 private:
  enum class Outcome : uint8_t { kSucceeded, kFailed, kAbandoned };
  void end(uint64_t era, Outcome outcome, Clock::time_point now);
  void open(Clock::time_point now);
  BreakerState state(Clock::time_point now) const;
  double seconds_to_wait(Clock::time_point now) const;

  const std::string m_name;
  const CircuitBreakerOptions m_options;
  mutable std::mutex m_mutex;                     // guards what follows
  std::deque<bool> m_failures;                    // of the last calls, oldest first
  std::optional<Clock::time_point> m_open_until;  // nullopt: closed
  bool m_probing = false;                         // the call that tries is under way
  bool m_half_opened = false;                     // since it last opened, a call was let through
  double m_pause_seconds = 0;
  uint64_t m_era = 0;        // changes with each opening and closing: calls begun before do not count after
  BreakerSnapshot m_counts;  // opened, half_opened, closed and refused only
};

}  // namespace vivace
