#include "server/rate_limiter.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr std::chrono::seconds kWindow{60};
constexpr std::string_view kDefault = "default";
constexpr int64_t kHighestLimit = 1'000'000'000;

// The last three are ours: evidence comes in pieces, tasks are asked for again and again.
RateLimits standard_limits() {
  return {{"verify", 5},  {"embed", 10},   {"search", 20}, {"nli", 10},       {"nli_batch", 5}, {"verdict", 20},
          {"claims", 30}, {"health", 100}, {"tasks", 600}, {"evidence", 600}, {"default", 60}};
}

Result<void> change_limit(std::string_view part, RateLimits* limits) {
  const size_t equals = part.find('=');
  const std::string_view name = part.substr(0, equals);
  const auto known = std::ranges::find(*limits, name, &RateLimits::value_type::first);
  if (known == limits->end() || equals == std::string_view::npos) {
    std::vector<std::string> names;
    for (const auto& limit : *limits) names.push_back(limit.first);
    return error(StatusCode::kInvalidArgument, fmt::format("'{}' is no limit; write on, off or NAME=REQUESTS with {}",
                                                           printable(part), fmt::join(names, ", ")));
  }
  const std::string_view digits = part.substr(equals + 1);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), known->second);
  if (code != std::errc() || end != digits.data() + digits.size() || known->second < 0 ||
      known->second > kHighestLimit) {
    return error(StatusCode::kInvalidArgument, fmt::format("'{}': expected a number of requests", printable(part)));
  }
  return {};
}

}  // namespace

Result<RateLimits> parse_rate_limits(std::string_view text) {
  RateLimits limits = standard_limits();
  if (text == "on") return limits;
  if (text == "off") {
    for (auto& limit : limits) limit.second = 0;
    return limits;
  }
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    RETURN_IF_ERROR(change_limit(part, &limits));
  }
  return limits;
}

RateLimiter::RateLimiter(RateLimits limits) {
  for (auto& [name, limit] : limits) m_counts.push_back({.name = std::move(name), .limit = limit});
}

RateCounts& RateLimiter::counts_of(std::string_view name) {
  const auto own = std::ranges::find(m_counts, name, &RateCounts::name);
  return own != m_counts.end() ? *own : *std::ranges::find(m_counts, kDefault, &RateCounts::name);
}

void RateLimiter::forget_old(Clock::time_point now) {
  std::erase_if(m_windows, [&](const auto& entry) { return now - entry.second.start >= kWindow; });
  if (m_windows.size() >= kMaxWindows) m_windows.clear();
}

RateDecision RateLimiter::take(std::string_view name, std::string_view client, Clock::time_point now) {
  const std::lock_guard lock(m_mutex);
  RateCounts& counts = counts_of(name);
  if (counts.limit == 0) {
    ++counts.allowed;
    return {};
  }
  if (m_windows.size() >= kMaxWindows) forget_old(now);
  Window& window = m_windows.try_emplace(fmt::format("{} {}", counts.name, client), Window{.start = now}).first->second;
  if (now - window.start >= kWindow) window = {.start = now};
  RateDecision decision;
  decision.limit = counts.limit;
  decision.allowed = window.taken < counts.limit;
  if (decision.allowed) ++window.taken;
  ++(decision.allowed ? counts.allowed : counts.refused);
  decision.remaining = counts.limit - window.taken;
  decision.reset_seconds = std::chrono::ceil<std::chrono::seconds>(window.start + kWindow - now).count();
  return decision;
}

std::vector<RateCounts> RateLimiter::counts() const {
  const std::lock_guard lock(m_mutex);
  return m_counts;
}

}  // namespace vivace
