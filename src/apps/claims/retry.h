// Trying again where that can help: a locked or lost database, a full queue. Never past the deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>
#include <type_traits>

#include "base/status.h"

namespace vivace {

struct RetryPolicy {
  int attempts = 3;
  std::chrono::milliseconds first_pause{100};
  int growth = 2;  // of the pause from one attempt to the next
  std::chrono::milliseconds longest_pause{30'000};
};

// Of what is written to a store: while another process writes, each attempt waits a moment only, all together for some
// ten seconds.
inline constexpr RetryPolicy kWriteRetries{
    .attempts = 30, .first_pause = std::chrono::milliseconds(20), .longest_pause = std::chrono::milliseconds(100)};

// How long somebody waits for an answer.
struct Patience {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token cancel;
};

// kDeadlineExceeded or kCancelled once nobody waits any more.
Result<void> check_patience(const Patience& patience);

// Whether the same call may succeed a moment later: kUnavailable, kOverloaded.
bool retry_can_help(StatusCode code);

// Sleeps; false at once when the pause would end past the deadline or the caller went away.
bool pause_within(std::chrono::milliseconds pause, const Patience& patience);

// attempt() gives a Result. *retries counts the calls after the first, each before it is made.
template <typename Attempt>
std::invoke_result_t<Attempt> with_retries(const RetryPolicy& policy, const Patience& patience, int* retries,
                                           Attempt&& attempt) {
  std::chrono::milliseconds pause = policy.first_pause;
  for (int i = 1;; ++i) {
    auto result = attempt();
    if (result || i >= policy.attempts || !retry_can_help(result.error().code)) return result;
    if (!pause_within(pause, patience)) return result;
    pause = std::min(pause * policy.growth, policy.longest_pause);
    ++*retries;
  }
}

}  // namespace vivace
