// Numbers that a process tells about itself. A component keeps them in one plain stats struct; names, help texts and
// labels appear only where the struct is dumped (telemetry/prometheus.h). All operations are thread-safe and lock-free.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vivace {

class Counter {
 public:
  void add(uint64_t n = 1) { m_value.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return m_value.load(std::memory_order_relaxed); }
  // Before anybody reads it: to who does, counters only rise.
  void reset() { m_value.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> m_value{0};
};

class Gauge {
 public:
  void set(int64_t value) { m_value.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { m_value.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return m_value.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> m_value{0};
};

// Counts of observations at or below each bound, plus their sum: a Prometheus histogram.
class Histogram {
 public:
  static constexpr size_t kBounds = 16;

  // bounds: exactly kBounds ascending upper bounds; must outlive the histogram (make it a constant).
  explicit Histogram(std::span<const double, kBounds> bounds) : m_bounds(bounds) {}

  void observe(double value);

  std::span<const double, kBounds> bounds() const { return m_bounds; }
  // Observations at or below bounds()[i], not cumulative; [kBounds] holds those above all bounds.
  uint64_t bucket(size_t i) const { return m_buckets[i].load(std::memory_order_relaxed); }
  uint64_t count() const;
  void reset();  // as Counter's
  double sum() const { return m_sum.load(std::memory_order_relaxed); }

 private:
  std::span<const double, kBounds> m_bounds;
  std::array<std::atomic<uint64_t>, kBounds + 1> m_buckets{};
  std::atomic<double> m_sum{0};
};

// Seconds, from 100 µs to 10 s.
inline constexpr std::array<double, Histogram::kBounds> kLatencyBounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
// Counts in powers of two, from 1 to 32768: texts or tokens.
inline constexpr std::array<double, Histogram::kBounds> kCountBounds = {1,   2,   4,    8,    16,   32,   64,    128,
                                                                        256, 512, 1024, 2048, 4096, 8192, 16384, 32768};

}  // namespace vivace
