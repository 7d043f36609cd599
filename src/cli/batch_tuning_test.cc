// C004_13: the best size is the fastest within the memory limit, else the fastest of all.
#include "cli/batch_tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

TuneReport report_of(std::vector<TuneRow> rows, double limit) {
  TuneReport report;
  report.rows = std::move(rows);
  choose_best(limit, &report);
  return report;
}

TuneRow row(double texts_per_s, double memory_mb, std::string problem = "") {
  TuneRow made;
  made.texts_per_s = texts_per_s;
  made.memory_after_mb = memory_mb;
  made.problem = std::move(problem);
  return made;
}

TEST(BatchTuning, C004_13_TheFastestWithinTheLimit) {
  const TuneReport report = report_of({row(10, 50), row(30, 200), row(20, 90), row(0, 0, "failed")}, 100);
  EXPECT_EQ(report.best, 2U);
  EXPECT_TRUE(report.best_is_within_limit);
}

TEST(BatchTuning, C004_13_ElseTheFastestOfAll) {
  const TuneReport report = report_of({row(10, 500), row(30, 200)}, 100);
  EXPECT_EQ(report.best, 1U);
  EXPECT_FALSE(report.best_is_within_limit);
  EXPECT_EQ(report_of({row(0, 0, "failed")}, 100).best, std::nullopt);
}

TEST(BatchTuning, C004_13_AFailingPrecisionEndsItsSizes) {
  TuneOptions options;
  options.directory = "/nowhere";
  options.precisions = {Precision::kF32, Precision::kInt8};
  options.threads = {1};
  options.texts = {"a"};
  const TuneReport report = tune_batches(options);
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_THAT(report.rows[0].problem, testing::HasSubstr("/nowhere"));
  EXPECT_EQ(report.best, std::nullopt);
}

}  // namespace
}  // namespace vivace
