// Times a piece of work over and over, as `vivace bench` reports it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "base/status.h"

namespace vivace {

inline constexpr int kMinimumRuns = 3;

struct BenchTimes {
  double p50_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double min_ms = 0;
  int runs = 0;
};

// Runs it for about that long, at least kMinimumRuns times; a warm-up, which is not counted, goes before. Stops at the
// first error.
Result<BenchTimes> time_runs(double seconds, const std::function<Result<void>()>& run);

// The median and so on of times in any order; at least one.
BenchTimes summarize(std::vector<double> times_ms);

// "p50_ms" … "runs" as members of an open object.
void write_times(const BenchTimes& times, JsonWriter* json);

// "1.23 ms median of 45 runs (p95 …, p99 …, fastest …)".
std::string describe(const BenchTimes& times);

}  // namespace vivace
