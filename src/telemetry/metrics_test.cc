#include "telemetry/metrics.h"

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(Metrics, CountersAndGaugesFromManyThreads) {
  Counter counter;
  Gauge gauge;
  Histogram histogram(kCountBounds);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        counter.add();
        counter.add(2);
        gauge.add(1);
        gauge.add(-1);
        histogram.observe(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 120000);
  EXPECT_EQ(gauge.value(), 0);
  EXPECT_EQ(histogram.count(), 40000);
  EXPECT_EQ(histogram.sum(), 40000);
  gauge.set(-7);
  EXPECT_EQ(gauge.value(), -7);
}

TEST(Metrics, ABoundBelongsToItsBucket) {
  Histogram histogram(kCountBounds);
  for (size_t i = 0; i < Histogram::kBounds; ++i) {
    histogram.observe(kCountBounds[i]);
    EXPECT_EQ(histogram.bucket(i), 1) << i;
  }
  histogram.observe(kCountBounds.back() + 1);
  EXPECT_EQ(histogram.bucket(Histogram::kBounds), 1);
  histogram.observe(0);
  histogram.observe(-5);
  EXPECT_EQ(histogram.bucket(0), 3);
  EXPECT_EQ(histogram.count(), Histogram::kBounds + 3);
}

TEST(Metrics, BoundsAscend) {
  EXPECT_TRUE(std::ranges::is_sorted(kLatencyBounds, std::less_equal<>()));
  EXPECT_TRUE(std::ranges::is_sorted(kCountBounds, std::less_equal<>()));
}

}  // namespace
}  // namespace vivace
