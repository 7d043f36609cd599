// Writes metrics in Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
//   PrometheusWriter out;
//   out.counter("vivace_requests_total", "Requests answered.", {{"route", "/health"}}, stats.health.value());
//   out.histogram("vivace_request_seconds", "Time to answer.", {}, stats.seconds);
//   std::string body = out.take();
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/metrics.h"

namespace vivace {

inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

struct MetricLabel {
  std::string_view name;
  std::string_view value;  // any valid UTF-8
};

// A list of labels as a parameter: {} or {{"model", name}, …} or a span of them. Borrows, so never keep one.
class MetricLabels {
 public:
  MetricLabels(std::initializer_list<MetricLabel> labels) : m_labels(labels.begin(), labels.size()) {}
  MetricLabels(std::span<const MetricLabel> labels) : m_labels(labels) {}
  auto begin() const { return m_labels.begin(); }
  auto end() const { return m_labels.end(); }

 private:
  std::span<const MetricLabel> m_labels;
};

// Calls with one name make one family, in the order of the first call of each: HELP and TYPE stand above it once, and
// its samples stand together however the calls are mixed. Names and help are ours, so a bad name, or one name used with
// two types, is a CHECK failure. Not thread-safe; one writer serves one scrape.
class PrometheusWriter {
 public:
  void counter(std::string_view name, std::string_view help, MetricLabels labels, double value);
  void gauge(std::string_view name, std::string_view help, MetricLabels labels, double value);
  // name_bucket with cumulative counts up to le="+Inf", name_sum and name_count, which equals the last bucket even
  // while other threads observe.
  void histogram(std::string_view name, std::string_view help, MetricLabels labels, const Histogram& histogram);

  // The finished text; the writer is empty again.
  std::string take();

 private:
  struct Family {
    std::string name;
    std::string_view type;
    std::string text;
  };
  Family& family(std::string_view name, std::string_view help, std::string_view type);
  std::vector<Family> m_families;
};

}  // namespace vivace
