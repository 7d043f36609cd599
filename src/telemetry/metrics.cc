#include "telemetry/metrics.h"

#include <algorithm>

namespace vivace {

void Histogram::observe(double value) {
  const auto bound = std::ranges::lower_bound(m_bounds, value);
  m_buckets[static_cast<size_t>(bound - m_bounds.begin())].fetch_add(1, std::memory_order_relaxed);
  m_sum.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (const auto& bucket : m_buckets) total += bucket.load(std::memory_order_relaxed);
  return total;
}

void Histogram::reset() {
  for (auto& bucket : m_buckets) bucket.store(0, std::memory_order_relaxed);
  m_sum.store(0, std::memory_order_relaxed);
}

}  // namespace vivace
