#include "cli/stage_samples.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <numeric>

#include "base/process_memory.h"

namespace vivace {
namespace {

constexpr double kIoBoundMs = 1;
constexpr double kMemoryBoundShare = 0.6;
constexpr double kComputeBoundPercent = 50;
constexpr double kIoBoundPercent = 20;

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Rounding must not lift the mean of equal values above them.
double mean(const std::vector<double>& values) {
  return std::min(std::reduce(values.begin(), values.end()) / static_cast<double>(values.size()),
                  std::ranges::max(values));
}

double sample_deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

void StageSamples::add(double milliseconds, double cpu_percent, double memory_mb) {
  m_ms.push_back(milliseconds);
  m_cpu.push_back(cpu_percent);
  m_memory.push_back(memory_mb);
}

StageSummary StageSamples::summarize(std::string name) const {
  return {.name = std::move(name),
          .times = vivace::summarize(m_ms),
          .mean_ms = mean(m_ms),
          .std_ms = sample_deviation(m_ms),
          .cpu_percent = mean(m_cpu),
          .cpu_peak_percent = std::ranges::max(m_cpu),
          .memory_mb = mean(m_memory),
          .memory_peak_mb = std::ranges::max(m_memory)};
}

StageTimer::StageTimer() : m_wall(wall_seconds()), m_cpu(cpu_seconds()) {}

double StageTimer::elapsed_ms() const {
  return (wall_seconds() - m_wall) * 1e3;
}

double StageTimer::cpu_percent() const {
  const double wall = wall_seconds() - m_wall;
  return wall > 0 ? (cpu_seconds() - m_cpu) / wall * 100 : 0;
}

void StageTimer::add_to(StageSamples* samples) const {
  const double milliseconds = elapsed_ms();
  samples->add(milliseconds, cpu_percent(), static_cast<double>(resident_bytes()) / 1e6);
}

std::string_view bottleneck_name(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::kIo: return "io_bound";
    case Bottleneck::kCompute: return "compute_bound";
    case Bottleneck::kMemory: return "memory_bound";
    case Bottleneck::kUnknown: return "unknown";
  }
  return "unknown";
}

Bottleneck classify_bottleneck(double mean_ms, double cpu_percent, double memory_share) {
  if (mean_ms < kIoBoundMs) return Bottleneck::kIo;
  if (memory_share >= kMemoryBoundShare) return Bottleneck::kMemory;
  if (cpu_percent > kComputeBoundPercent) return Bottleneck::kCompute;
  return cpu_percent < kIoBoundPercent ? Bottleneck::kIo : Bottleneck::kUnknown;
}

std::string_view recommendation(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::kIo: return "Keep the CPU: calls are too short, or wait too much, for a GPU to gain anything.";
    case Bottleneck::kCompute: return "Try int8 (vivace pack) and larger batches first; then a GPU is worth a look.";
    case Bottleneck::kMemory:
      return "Keep the CPU: reading the weights takes the time. Smaller weights (bf16, int8) or batches help.";
    case Bottleneck::kUnknown: return "Neither arithmetic nor memory stands out: profile more samples under your load.";
  }
  return "";
}

}  // namespace vivace
