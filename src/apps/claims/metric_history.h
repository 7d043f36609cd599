// The last values of a few measurements, for pages that draw them. Bounded; thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

struct MetricPoint {
  std::chrono::system_clock::time_point time;
  double value = 0;
};

struct MetricSummary {
  std::string name;
  size_t count = 0;  // of the points that are kept
  double last = 0;
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};

class MetricHistory {
 public:
  static constexpr size_t kMaxPoints = 4096;  // of each

  void record(std::string_view name, double value);
  std::vector<std::string> names() const;
  std::vector<MetricSummary> summaries() const;
  // The points of the last seconds, oldest first; nullopt for an unknown name.
  std::optional<std::vector<MetricPoint>> points(std::string_view name, double seconds) const;

 private:
  mutable std::mutex m_mutex;
  std::map<std::string, std::deque<MetricPoint>, std::less<>> m_series;
};

}  // namespace vivace
