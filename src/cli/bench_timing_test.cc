#include "cli/bench_timing.h"

#include <numeric>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(BenchTiming, QuantilesOfTimesInAnyOrder) {
  std::vector<double> times(100);
  std::iota(times.rbegin(), times.rend(), 1.0);  // 100 … 1
  const BenchTimes told = summarize(times);
  EXPECT_EQ(told.min_ms, 1);
  EXPECT_EQ(told.p50_ms, 51);
  EXPECT_EQ(told.p95_ms, 96);
  EXPECT_EQ(told.p99_ms, 100);
  EXPECT_EQ(told.runs, 100);
  EXPECT_EQ(summarize({7}).p99_ms, 7);
}

TEST(BenchTiming, RunsAtLeastThriceAfterAWarmUp) {
  int runs = 0;
  const auto times = time_runs(0, [&]() -> Result<void> {
    ++runs;
    return {};
  });
  ASSERT_TRUE(times.has_value());
  EXPECT_EQ(times->runs, kMinimumRuns);
  EXPECT_EQ(runs, kMinimumRuns + 1);
}

TEST(BenchTiming, AnErrorEndsIt) {
  int runs = 0;
  const auto times = time_runs(1, [&]() -> Result<void> {
    if (++runs == 1) return {};
    return error(StatusCode::kInternal, "broken");
  });
  ASSERT_FALSE(times.has_value());
  EXPECT_EQ(times.error().message, "broken");
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace vivace
