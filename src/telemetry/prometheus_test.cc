#include "telemetry/prometheus.h"

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The family of a sample: a histogram's _bucket, _sum and _count belong to its name.
std::string family_of(const std::string& sample, const std::map<std::string, std::string>& types) {
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(suffix)) continue;
    const std::string base = sample.substr(0, sample.size() - std::string(suffix).size());
    const auto type = types.find(base);
    if (type != types.end() && type->second == "histogram") return base;
  }
  return sample;
}

// Checks a whole page by the format's rules: HELP and TYPE once and before the samples of their family, no family
// twice, no sample twice, escapes and numbers well-formed.
void expect_valid(const std::string& text) {
  ASSERT_TRUE(text.empty() || text.ends_with('\n'));
  static const std::regex kComment(R"re(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*))re");
  static const std::regex kSample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*")re"
      R"re((?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*")*\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?))re");
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  std::set<std::string> samples;
  std::string current;
  for (const std::string& line : lines_of(text)) {
    std::smatch match;
    if (std::regex_match(line, match, kComment)) {
      if (match[1] == "HELP") {
        EXPECT_TRUE(helped.insert(match[2]).second) << "second HELP of " << match[2];
        current = match[2];
      } else {
        EXPECT_TRUE(types.emplace(match[2], match[3]).second) << "second TYPE of " << match[2];
        EXPECT_EQ(match[2], current);
        EXPECT_THAT(match[3].str(), testing::AnyOf("counter", "gauge", "histogram"));
      }
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, match, kSample)) << line;
    EXPECT_EQ(family_of(match[1], types), current) << line;
    EXPECT_TRUE(samples.insert(match[1].str() + match[2].str()).second) << "second sample: " << line;
  }
}

TEST(Prometheus, WritesCountersAndGauges) {
  PrometheusWriter out;
  out.counter("requests_total", "Requests.", {}, 3);
  out.gauge("queue", "Waiting.", {}, -1.5);
  const std::string text = out.take();
  expect_valid(text);
  EXPECT_EQ(text,
            "# HELP requests_total Requests.\n"
            "# TYPE requests_total counter\n"
            "requests_total 3\n"
            "# HELP queue Waiting.\n"
            "# TYPE queue gauge\n"
            "queue -1.5\n");
  EXPECT_EQ(out.take(), "");
}

TEST(Prometheus, FamiliesStayTogether) {
  PrometheusWriter out;
  out.counter("a_total", "A.", {{"route", "/x"}, {"code", "200"}}, 1);
  out.counter("b_total", "B.", {}, 2);
  out.counter("a_total", "A.", {{"route", "/y"}, {"code", "404"}}, 3);
  const std::string text = out.take();
  expect_valid(text);
  EXPECT_THAT(lines_of(text), ElementsAre("# HELP a_total A.", "# TYPE a_total counter",
                                          R"(a_total{route="/x",code="200"} 1)", R"(a_total{route="/y",code="404"} 3)",
                                          "# HELP b_total B.", "# TYPE b_total counter", "b_total 2"));
}

TEST(Prometheus, EscapesLabelsAndHelp) {
  PrometheusWriter out;
  const std::vector<MetricLabel> labels = {{"name", "a\\b\"c\nd"}, {"umlaut", "ü"}};
  out.gauge("x", "a \"quote\", a \\ and\na line", std::span(labels), 1);
  const std::string text = out.take();
  expect_valid(text);
  EXPECT_THAT(lines_of(text), ElementsAre(R"(# HELP x a "quote", a \\ and\na line)", "# TYPE x gauge",
                                          R"(x{name="a\\b\"c\nd",umlaut="ü"} 1)"));
}

TEST(Prometheus, WritesNumbersExactly) {
  const std::pair<double, const char*> kCases[] = {
      {0, "0"},           {-0.0, "0"},        {100000, "100000"}, {9007199254740992, "9007199254740992"},
      {1e300, "1e+300"},  {0.1, "0.1"},       {1e-7, "1e-07"},    {NAN, "NaN"},
      {INFINITY, "+Inf"}, {-INFINITY, "-Inf"}};
  for (const auto& [value, shown] : kCases) {
    PrometheusWriter out;
    out.gauge("x", "X.", {}, value);
    const std::string text = out.take();
    expect_valid(text);
    EXPECT_EQ(lines_of(text)[2], std::string("x ") + shown);
  }
}

TEST(Prometheus, HistogramsAreCumulative) {
  Histogram histogram(kCountBounds);
  for (const double value : {1.0, 2.0, 2.0, 3.0, 40000.0}) histogram.observe(value);
  PrometheusWriter out;
  out.histogram("tokens", "Tokens.", {{"model", "m"}}, histogram);
  out.histogram("tokens", "Tokens.", {{"model", "n"}}, Histogram(kCountBounds));
  const std::string text = out.take();
  expect_valid(text);
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 2 + 2 * (Histogram::kBounds + 1 + 2));
  EXPECT_EQ(lines[1], "# TYPE tokens histogram");
  EXPECT_EQ(lines[2], R"(tokens_bucket{model="m",le="1"} 1)");
  EXPECT_EQ(lines[3], R"(tokens_bucket{model="m",le="2"} 3)");
  EXPECT_EQ(lines[4], R"(tokens_bucket{model="m",le="4"} 4)");
  EXPECT_EQ(lines[17], R"(tokens_bucket{model="m",le="32768"} 4)");
  EXPECT_EQ(lines[18], R"(tokens_bucket{model="m",le="+Inf"} 5)");
  EXPECT_EQ(lines[19], R"(tokens_sum{model="m"} 40008)");
  EXPECT_EQ(lines[20], R"(tokens_count{model="m"} 5)");
  EXPECT_EQ(lines[21], R"(tokens_bucket{model="n",le="1"} 0)");
}

TEST(Prometheus, HistogramWithoutLabels) {
  PrometheusWriter out;
  out.histogram("seconds", "Seconds.", {}, Histogram(kLatencyBounds));
  const std::string text = out.take();
  expect_valid(text);
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"+Inf\"} 0\nseconds_sum 0\nseconds_count 0\n"));
}

TEST(PrometheusDeathTest, OurOwnMistakesStop) {
  PrometheusWriter out;
  out.counter("x", "X.", {}, 1);
  EXPECT_DEATH(out.gauge("x", "X.", {}, 1), "type");
  EXPECT_DEATH(out.gauge("1x", "X.", {}, 1), "is_metric_name");
  EXPECT_DEATH(out.gauge("x-y", "X.", {}, 1), "is_metric_name");
  EXPECT_DEATH(out.gauge("y", "X.", {{"a:b", ""}}, 1), "is_label_name");
  EXPECT_DEATH(out.histogram("y", "X.", {{"le", ""}}, Histogram(kCountBounds)), "is_label_name");
}

}  // namespace
}  // namespace vivace
