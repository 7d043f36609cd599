// C004_11, C001_01: bottlenecks and what to do about them.
#include "cli/stage_samples.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(StageSamples, AggregatesAsTheOriginalDid) {
  StageSamples samples;
  for (int i = 1; i <= 10; ++i) samples.add(i, 10.0 * i, 100 + i);
  const StageSummary summary = samples.summarize("stage");
  EXPECT_EQ(summary.name, "stage");
  EXPECT_EQ(summary.times.runs, 10);
  EXPECT_DOUBLE_EQ(summary.times.p50_ms, 6);   // sorted[floor(10 · 0.5)]
  EXPECT_DOUBLE_EQ(summary.times.p95_ms, 10);  // the largest of fewer than 20
  EXPECT_DOUBLE_EQ(summary.times.p99_ms, 10);
  EXPECT_DOUBLE_EQ(summary.mean_ms, 5.5);
  EXPECT_NEAR(summary.std_ms, 3.0276503541, 1e-9);
  EXPECT_DOUBLE_EQ(summary.cpu_percent, 55);
  EXPECT_DOUBLE_EQ(summary.cpu_peak_percent, 100);
  EXPECT_DOUBLE_EQ(summary.memory_mb, 105.5);
  EXPECT_DOUBLE_EQ(summary.memory_peak_mb, 110);
}

TEST(StageSamples, OneCallHasNoDeviation) {
  StageSamples samples;
  samples.add(2, 50, 10);
  EXPECT_EQ(samples.summarize("one").std_ms, 0);
}

TEST(StageSamples, RoundingLiftsNoMeanAboveThePeak) {
  StageSamples samples;
  for (int count = 1; count <= 40; ++count) {
    samples.add(1.0 / 3, 0.1, 13.49632);
    const StageSummary summary = samples.summarize("equal");
    EXPECT_LE(summary.cpu_percent, summary.cpu_peak_percent) << count;
    EXPECT_LE(summary.memory_mb, summary.memory_peak_mb) << count;
  }
}

TEST(Bottleneck, C001_01_DecidedInTheOriginalsOrder) {
  EXPECT_EQ(classify_bottleneck(0.99, 800, 1), Bottleneck::kIo);
  EXPECT_EQ(classify_bottleneck(1, 800, 0.6), Bottleneck::kMemory);
  EXPECT_EQ(classify_bottleneck(1, 50.1, 0.59), Bottleneck::kCompute);
  EXPECT_EQ(classify_bottleneck(1, 50, 0), Bottleneck::kUnknown);
  EXPECT_EQ(classify_bottleneck(1, 20, 0), Bottleneck::kUnknown);
  EXPECT_EQ(classify_bottleneck(1, 19.9, 0), Bottleneck::kIo);
}

TEST(Bottleneck, C004_11_EachCarriesARecommendation) {
  for (const Bottleneck each : {Bottleneck::kIo, Bottleneck::kCompute, Bottleneck::kMemory, Bottleneck::kUnknown}) {
    EXPECT_FALSE(recommendation(each).empty()) << bottleneck_name(each);
  }
}

TEST(StageTimer, MeasuresThisProcess) {
  StageSamples samples;
  const StageTimer timer;
  volatile double sink = 0;
  while (timer.elapsed_ms() < 5) sink = sink + 1;
  timer.add_to(&samples);
  const StageSummary summary = samples.summarize("spinning");
  EXPECT_GE(summary.mean_ms, 5);
  EXPECT_GT(summary.cpu_percent, 0);
  EXPECT_GT(summary.memory_mb, 1);
}

}  // namespace
}  // namespace vivace
