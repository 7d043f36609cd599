#include "apps/claims/metric_history.h"

#include <algorithm>
#include <cmath>

namespace vivace {
namespace {

// Nearest rank.
double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

void MetricHistory::record(std::string_view name, double value) {
  const std::lock_guard lock(m_mutex);
  auto found = m_series.find(name);
  if (found == m_series.end()) found = m_series.emplace(name, std::deque<MetricPoint>()).first;
  found->second.push_back({std::chrono::system_clock::now(), value});
  if (found->second.size() > kMaxPoints) found->second.pop_front();
}

std::vector<std::string> MetricHistory::names() const {
  const std::lock_guard lock(m_mutex);
  std::vector<std::string> names;
  for (const auto& [name, points] : m_series) names.push_back(name);
  return names;
}

std::vector<MetricSummary> MetricHistory::summaries() const {
  const std::lock_guard lock(m_mutex);
  std::vector<MetricSummary> summaries;
  for (const auto& [name, points] : m_series) {
    std::vector<double> values;
    double sum = 0;
    for (const MetricPoint& point : points) {
      values.push_back(point.value);
      sum += point.value;
    }
    MetricSummary summary{.name = name, .count = values.size(), .last = values.back()};
    summary.mean = sum / static_cast<double>(values.size());
    std::ranges::sort(values);
    summary.p50 = percentile(values, 0.5);
    summary.p95 = percentile(values, 0.95);
    summary.p99 = percentile(values, 0.99);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::optional<std::vector<MetricPoint>> MetricHistory::points(std::string_view name, double seconds) const {
  const std::lock_guard lock(m_mutex);
  const auto found = m_series.find(name);
  if (found == m_series.end()) return std::nullopt;
  const auto since = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                            std::chrono::duration<double>(seconds));
  std::vector<MetricPoint> points;
  for (const MetricPoint& point : found->second) {
    if (point.time >= since) points.push_back(point);
  }
  return points;
}

}  // namespace vivace
