#include "telemetry/prometheus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace vivace {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_metric_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}

// In label values a quote is escaped too; in help texts it must not be.
void append_escaped(std::string_view text, std::string_view special, std::string* out) {
  for (const char c : text) {
    if (special.find(c) == std::string_view::npos) {
      out->push_back(c);
    } else {
      out->push_back('\\');
      out->push_back(c == '\n' ? 'n' : c);
    }
  }
}

void append_number(double value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    return;
  }
  char buffer[40];
  constexpr double kLargestExactInteger = 9007199254740992;  // 2^53
  // Whole numbers without an exponent: the shortest form of 100000 would be 1e+05.
  const bool is_whole = value == std::floor(value) && std::abs(value) <= kLargestExactInteger;
  const auto result = is_whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(value))
                               : std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general);
  out->append(buffer, result.ptr);
}

std::string label_text(MetricLabels labels) {
  std::string text;
  for (const MetricLabel& label : labels) {
    CHECK(is_label_name(label.name) && label.name != "le");
    text.append(text.empty() ? "" : ",").append(label.name).append("=\"");
    append_escaped(label.value, "\\\"\n", &text);
    text.push_back('"');
  }
  return text;
}

struct Sample {
  std::string_view name;
  std::string_view suffix;  // "_sum", …
  std::string_view labels;  // a="x",b="y"
  double value;
};

void append_sample(const Sample& sample, std::string* out) {
  out->append(sample.name).append(sample.suffix);
  if (!sample.labels.empty()) out->append("{").append(sample.labels).append("}");
  out->push_back(' ');
  append_number(sample.value, out);
  out->push_back('\n');
}

}  // namespace

PrometheusWriter::Family& PrometheusWriter::family(std::string_view name, std::string_view help,
                                                   std::string_view type) {
  const auto known = std::ranges::find(m_families, name, &Family::name);
  if (known != m_families.end()) {
    CHECK(known->type == type);
    return *known;
  }
  CHECK(is_metric_name(name));
  Family& added = m_families.emplace_back(std::string(name), type, std::string());
  added.text.append("# HELP ").append(name).append(" ");
  append_escaped(help, "\\\n", &added.text);
  added.text.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  return added;
}

void PrometheusWriter::counter(std::string_view name, std::string_view help, MetricLabels labels, double value) {
  append_sample({name, "", label_text(labels), value}, &family(name, help, "counter").text);
}

void PrometheusWriter::gauge(std::string_view name, std::string_view help, MetricLabels labels, double value) {
  append_sample({name, "", label_text(labels), value}, &family(name, help, "gauge").text);
}

void PrometheusWriter::histogram(std::string_view name, std::string_view help, MetricLabels labels,
                                 const Histogram& histogram) {
  std::string* const out = &family(name, help, "histogram").text;
  const std::string own = label_text(labels);
  uint64_t cumulative = 0;
  for (size_t i = 0; i <= Histogram::kBounds; ++i) {
    cumulative += histogram.bucket(i);
    std::string with_bound = own + (own.empty() ? "" : ",") + "le=\"";
    append_number(i < Histogram::kBounds ? histogram.bounds()[i] : INFINITY, &with_bound);
    append_sample({name, "_bucket", with_bound + "\"", static_cast<double>(cumulative)}, out);
  }
  append_sample({name, "_sum", own, histogram.sum()}, out);
  append_sample({name, "_count", own, static_cast<double>(cumulative)}, out);
}

std::string PrometheusWriter::take() {
  std::string text;
  for (const Family& family : std::exchange(m_families, {})) text += family.text;
  return text;
}

}  // namespace vivace
