#include "cli/bench_timing.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/check.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kWarmUpSeconds = 0.3;  // caches, page tables and the clock frequency settle

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The value below which the given share of the sorted times lie.
double quantile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

}  // namespace

Result<BenchTimes> time_runs(double seconds, const std::function<Result<void>()>& run) {
  const auto warm_up = Clock::now();
  do {
    RETURN_IF_ERROR(run());
  } while (seconds_since(warm_up) < std::min(kWarmUpSeconds, seconds));
  std::vector<double> times_ms;
  const auto start = Clock::now();
  while (times_ms.size() < kMinimumRuns || seconds_since(start) < seconds) {
    const auto begin = Clock::now();
    RETURN_IF_ERROR(run());
    times_ms.push_back(seconds_since(begin) * 1e3);
  }
  return summarize(std::move(times_ms));
}

BenchTimes summarize(std::vector<double> times_ms) {
  CHECK(!times_ms.empty());
  std::ranges::sort(times_ms);
  return {.p50_ms = quantile(times_ms, 0.5),
          .p95_ms = quantile(times_ms, 0.95),
          .p99_ms = quantile(times_ms, 0.99),
          .min_ms = times_ms.front(),
          .runs = static_cast<int>(times_ms.size())};
}

void write_times(const BenchTimes& times, JsonWriter* json) {
  json->key("p50_ms").value(times.p50_ms).key("p95_ms").value(times.p95_ms).key("p99_ms").value(times.p99_ms);
  json->key("min_ms").value(times.min_ms).key("runs").value(times.runs);
}

std::string describe(const BenchTimes& times) {
  return fmt::format("{:.2f} ms median of {} runs (p95 {:.2f}, p99 {:.2f}, fastest {:.2f})", times.p50_ms, times.runs,
                     times.p95_ms, times.p99_ms, times.min_ms);
}

}  // namespace vivace
