// How often a client may ask: fixed windows of one minute for each address and kind of request. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

// Requests of one client in a minute; 0: any number.
using RateLimits = std::vector<std::pair<std::string, int64_t>>;

// "on": those of the service whose routes these are; "off": none; else changes to "on": "verify=60,search=0".
// kInvalidArgument, listing the names, for anything else.
Result<RateLimits> parse_rate_limits(std::string_view text);

struct RateDecision {
  bool allowed = true;
  int64_t limit = 0;  // 0: none
  int64_t remaining = 0;
  int64_t reset_seconds = 0;  // until the window ends
};

struct RateCounts {
  std::string name;
  int64_t limit = 0;
  uint64_t allowed = 0;
  uint64_t refused = 0;
};

class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RateLimiter(RateLimits limits);

  // Counts a request. A name that has no limit of its own has that of "default".
  RateDecision take(std::string_view name, std::string_view client, Clock::time_point now);
  std::vector<RateCounts> counts() const;

 private:
  static constexpr size_t kMaxWindows = 100'000;  // clients beyond start anew
  struct Window {
    Clock::time_point start;
    int64_t taken = 0;
  };
  RateCounts& counts_of(std::string_view name);
  void forget_old(Clock::time_point now);

  mutable std::mutex m_mutex;
  std::vector<RateCounts> m_counts;
  std::unordered_map<std::string, Window> m_windows;  // by name and client
};

}  // namespace vivace
