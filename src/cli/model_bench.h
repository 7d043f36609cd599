// Times a model on random token ids, and tells how near that is to what the machine could do at best.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/bench_timing.h"
#include "tensor/precision.h"

namespace vivace {

struct ModelBenchOptions {
  std::string directory;
  std::string isa;  // empty: as everywhere
  Precision precision = Precision::kAuto;
  int threads = 0;           // 0: as everywhere
  std::vector<int> lengths;  // tokens of each sequence of the batch; empty: `batch` sequences of `tokens`
  int batch = 1;             // 1 with `generate`
  int tokens = 0;            // 0: 128, or as many as the model takes where that is less
  int generate = 0;          // 0: a forward pass; else so many tokens are written after the source
  double seconds = 2;        // of timing, after a warm-up
  std::string trace_file;    // a few more runs are written there as a trace; empty: none
};

struct ModelBenchResult {
  BenchTimes times;
  double tokens_per_s = 0;   // at the median: read, or with `generate` written
  double arithmetic_ms = 0;  // what the arithmetic alone would take at the rates below
  double reading_ms = 0;     // what reading the weights alone would take
  double floor_ms = 0;       // of each pass the longer of the two
  double peak_gflops = 0;    // of all threads: the precision's product on operands that stay in the first cache
  double read_gb_per_s = 0;  // of all threads, over as much memory as the weights take
  int threads = 0;
  std::string isa;                        // "onnx" when an ONNX file computes
  Precision precision = Precision::kF32;  // never kAuto

  double floor_share() const { return floor_ms / times.p50_ms; }
};

// kInvalidArgument for a length that the model does not take; kUnsupported for `generate` with a model that does not
// write text.
Result<ModelBenchResult> bench_model(const ModelBenchOptions& options);

}  // namespace vivace
