#include "apps/claims/retry.h"

#include <condition_variable>
#include <mutex>

namespace vivace {

Result<void> check_patience(const Patience& patience) {
  if (patience.cancel.stop_requested()) return error(StatusCode::kCancelled, "the caller went away");
  if (patience.deadline && std::chrono::steady_clock::now() >= *patience.deadline) {
    return error(StatusCode::kDeadlineExceeded, "the time for this request is over; give it more");
  }
  return {};
}

bool retry_can_help(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kOverloaded;
}

bool pause_within(std::chrono::milliseconds pause, const Patience& patience) {
  if (patience.deadline && std::chrono::steady_clock::now() + pause >= *patience.deadline) return false;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, patience.cancel, pause, [] { return false; });
  return !patience.cancel.stop_requested();
}

}  // namespace vivace
