#include "runtime/circuit_breaker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vivace {

std::string_view breaker_state_name(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed: return "closed";
    case BreakerState::kOpen: return "open";
    case BreakerState::kHalfOpen: return "half_open";
  }
  return "unknown";
}

CircuitBreaker::Call::Call(Call&& other) noexcept
    : m_breaker(std::exchange(other.m_breaker, nullptr)), m_era(other.m_era) {}

CircuitBreaker::Call::~Call() {
  if (m_breaker != nullptr) m_breaker->end(m_era, Outcome::kAbandoned, {});
}

void CircuitBreaker::Call::succeeded(Clock::time_point now) {
  if (auto* const breaker = std::exchange(m_breaker, nullptr)) breaker->end(m_era, Outcome::kSucceeded, now);
}

void CircuitBreaker::Call::failed(Clock::time_point now) {
  if (auto* const breaker = std::exchange(m_breaker, nullptr)) breaker->end(m_era, Outcome::kFailed, now);
}

CircuitBreaker::CircuitBreaker(std::string name, CircuitBreakerOptions options)
    : m_name(std::move(name)), m_options(options), m_pause_seconds(options.first_pause_seconds) {}

Result<CircuitBreaker::Call> CircuitBreaker::begin(Clock::time_point now) {
  const std::scoped_lock lock(m_mutex);
  switch (state(now)) {
    case BreakerState::kClosed: return Call(this, m_era);
    case BreakerState::kHalfOpen:
      if (!m_probing) {
        m_probing = true;
        if (!std::exchange(m_half_opened, true)) ++m_counts.half_opened;
        return Call(this, m_era);
      }
      break;
    case BreakerState::kOpen: break;
  }
  ++m_counts.refused;
  const auto seconds = static_cast<int>(std::ceil(std::max(1.0, seconds_to_wait(now))));
  return error(StatusCode::kUnavailable,
               m_name + " failed too often and is left alone for now; try again in " + std::to_string(seconds) + " s",
               seconds);
}

void CircuitBreaker::end(uint64_t era, Outcome outcome, Clock::time_point now) {
  const std::scoped_lock lock(m_mutex);
  if (era != m_era) return;
  if (m_open_until) {
    m_probing = false;
    if (outcome == Outcome::kAbandoned) return;  // the next call tries
    if (outcome == Outcome::kFailed) {
      m_pause_seconds = std::min(m_pause_seconds * 2, m_options.longest_pause_seconds);
      open(now);
      return;
    }
    m_open_until.reset();
    m_pause_seconds = m_options.first_pause_seconds;
    m_failures.clear();
    ++m_counts.closed;
    ++m_era;
    return;
  }
  if (outcome == Outcome::kAbandoned) return;
  m_failures.push_back(outcome == Outcome::kFailed);
  if (m_failures.size() > m_options.window_calls) m_failures.pop_front();
  const auto failures = static_cast<double>(std::ranges::count(m_failures, true));
  if (m_failures.size() >= m_options.smallest_window &&
      failures >= m_options.failure_share * static_cast<double>(m_failures.size())) {
    open(now);
  }
}

void CircuitBreaker::open(Clock::time_point now) {
  m_open_until = now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(m_pause_seconds));
  m_half_opened = false;
  ++m_counts.opened;
  ++m_era;
}

BreakerState CircuitBreaker::state(Clock::time_point now) const {
  if (!m_open_until) return BreakerState::kClosed;
  return now < *m_open_until ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

double CircuitBreaker::seconds_to_wait(Clock::time_point now) const {
  if (!m_open_until || now >= *m_open_until) return 0;
  return std::chrono::duration<double>(*m_open_until - now).count();
}

BreakerSnapshot CircuitBreaker::snapshot(Clock::time_point now) const {
  const std::scoped_lock lock(m_mutex);
  BreakerSnapshot snapshot = m_counts;
  snapshot.state = state(now);
  snapshot.window_calls = m_failures.size();
  snapshot.window_failures = static_cast<size_t>(std::ranges::count(m_failures, true));
  snapshot.retry_after_seconds = seconds_to_wait(now);
  return snapshot;
}

}  // namespace vivace
