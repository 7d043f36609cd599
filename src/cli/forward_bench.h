// Times a model's forward pass on random token ids, and measures what the machine could do at best.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/precision.h"

namespace vivace {

struct ForwardBenchOptions {
  std::string directory;
  std::string isa;  // empty: as everywhere
  Precision precision = Precision::kAuto;
  int threads = 0;           // 0: as everywhere
  std::vector<int> lengths;  // tokens of each sequence of the batch
  double seconds = 2;        // of timing, after a warm-up; at least kMinimumRuns runs
};

struct ForwardBenchResult {
  double p50_ms = 0;
  double p99_ms = 0;
  double min_ms = 0;
  double tokens_per_s = 0;  // at the median
  double floor_ms = 0;      // the pass's multiplications and additions at the measured peak of the kernel table
  double peak_gflops = 0;   // of all threads: its matrix kernel on operands that stay in the first cache
  int runs = 0;
  int threads = 0;
  std::string isa;
  std::string precision;
};

inline constexpr int kMinimumRuns = 3;

// kInvalidArgument for a length that the model does not take.
Result<ForwardBenchResult> bench_forward(const ForwardBenchOptions& options);

// The value below which the given share of the sorted times lie; times must not be empty.
double quantile(const std::vector<double>& sorted, double share);

}  // namespace vivace
