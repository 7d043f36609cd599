// Calls of one stage of the work, and what they were like: time, CPU, memory. Aggregates as in the original profiler.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_timing.h"

namespace vivace {

struct StageSummary {
  std::string name;
  BenchTimes times;
  double mean_ms = 0;
  double std_ms = 0;       // of the sample; 0 for one call
  double cpu_percent = 0;  // of the whole process, mean: 100 is one core
  double cpu_peak_percent = 0;
  double memory_mb = 0;  // resident, mean
  double memory_peak_mb = 0;
};

class StageSamples {
 public:
  void add(double milliseconds, double cpu_percent, double memory_mb);
  // At least one call must have been added.
  StageSummary summarize(std::string name) const;

 private:
  std::vector<double> m_ms;
  std::vector<double> m_cpu;
  std::vector<double> m_memory;
};

// Measures from its construction on.
class StageTimer {
 public:
  StageTimer();
  double elapsed_ms() const;
  double cpu_percent() const;  // CPU time of all threads by elapsed time
  void add_to(StageSamples* samples) const;

 private:
  double m_wall;  // seconds
  double m_cpu;
};

// What bounds a model, in the original's words (§1.9): "io_bound", "compute_bound", "memory_bound", "unknown".
enum class Bottleneck { kIo, kCompute, kMemory, kUnknown };
std::string_view bottleneck_name(Bottleneck bottleneck);

// In this order: below 1 ms io-bound; memory-bound when reading the weights alone takes at least 60 % of the time;
// above 50 % CPU compute-bound; below 20 % io-bound.
Bottleneck classify_bottleneck(double mean_ms, double cpu_percent, double memory_share);

// What to do about it, and whether a GPU is worth a look.
std::string_view recommendation(Bottleneck bottleneck);

}  // namespace vivace
