// C004_20: verdicts out of entailment answers.
#include "apps/claims/verdict_aggregation.h"

#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/recorded_testing.h"

namespace vivace {
namespace {

// nullopt where the recorded input is no list of [label, number]: such a thing cannot become an NliVote.
std::optional<std::vector<NliVote>> read_votes(const JsonValue& results) {
  std::vector<NliVote> votes;
  const auto items = results.as_array();
  if (!items) return std::nullopt;
  for (const JsonValue& item : *items) {
    const auto pair = item.as_array();
    if (!pair || pair->size() != 2) return std::nullopt;
    const auto label_text = (*pair)[0].as_string();
    const auto confidence = (*pair)[1].as_double();
    if (!label_text || !confidence) return std::nullopt;
    const auto label = parse_nli_label(*label_text);
    if (!label) return std::nullopt;
    votes.push_back({*label, *confidence});
  }
  return votes;
}

double number(const JsonValue& object, std::string_view key) {
  return object.get(key)->as_double().value();
}
size_t size(const JsonValue& object, std::string_view key) {
  return static_cast<size_t>(number(object, key));
}

void expect_recorded(const AggregatedVerdict& result, const JsonValue& output) {
  // The recorded service calls "UNCERTAIN" what is INSUFFICIENT here.
  const std::string_view verdict = output.get("verdict")->as_string().value();
  EXPECT_EQ(verdict_name(result.verdict), verdict == "UNCERTAIN" ? "INSUFFICIENT" : verdict);
  EXPECT_EQ(result.confidence, number(output, "confidence"));
  EXPECT_EQ(result.support_score, number(output, "support_score"));
  EXPECT_EQ(result.refute_score, number(output, "refute_score"));
  EXPECT_EQ(result.neutral_score, number(output, "neutral_score"));
  EXPECT_EQ(result.evidence_count, size(output, "evidence_count"));
  EXPECT_EQ(result.supporting_count, size(output, "supporting_count"));
  EXPECT_EQ(result.refuting_count, size(output, "refuting_count"));
  EXPECT_EQ(result.neutral_count, size(output, "neutral_count"));
  EXPECT_EQ(result.has_conflict, output.get("has_conflict")->as_bool().value());
  EXPECT_EQ(aggregation_strategy_name(result.strategy_used), output.get("strategy_used")->as_string().value());
}

TEST(VerdictAggregation, C004_20_RecordedAnswers) {
  const auto cases = read_recorded("tests/claims/data/verdict_aggregation.jsonl");
  ASSERT_EQ(cases.size(), 300U);
  size_t errors = 0;
  for (const JsonDocument& document : cases) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    const JsonValue output = root.get("output").value();
    const auto votes = read_votes(root.get("results").value());
    const auto strategy = parse_aggregation_strategy(root.get("strategy")->as_string().value());
    if (!votes || !strategy) {
      EXPECT_TRUE(output.find("error"));
      ++errors;
      continue;
    }
    AggregationOptions options{.strategy = *strategy};
    options.min_confidence = root.double_or("min_confidence", options.min_confidence).value();
    const auto result = aggregate_verdict(*votes, options);
    ASSERT_EQ(result.has_value(), !output.find("error").has_value());
    if (!result) {
      EXPECT_EQ(result.error().code, StatusCode::kInvalidArgument);
      ++errors;
      continue;
    }
    expect_recorded(*result, output);
  }
  EXPECT_EQ(errors, 22U);
}

AggregatedVerdict mean_of(const std::vector<NliVote>& votes) {
  return aggregate_verdict(votes, {.strategy = AggregationStrategy::kMeanConfidence}).value();
}

TEST(VerdictAggregation, C004_20_MeanConfidence) {
  using enum NliLabel;
  EXPECT_EQ(mean_of({{kEntailment, 0.7}}).verdict, Verdict::kSupported);
  EXPECT_EQ(mean_of({{kEntailment, 0.69}}).verdict, Verdict::kInsufficient);
  EXPECT_EQ(mean_of({{kContradiction, 0.9}, {kContradiction, 0.8}}).verdict, Verdict::kRefuted);
  // One neutral among supporters is enough to fall below the threshold.
  const AggregatedVerdict diluted = mean_of({{kEntailment, 0.9}, {kEntailment, 0.9}, {kNeutral, 0.9}});
  EXPECT_EQ(diluted.verdict, Verdict::kInsufficient);
  EXPECT_DOUBLE_EQ(diluted.confidence, 0.6);
  // Votes of low confidence count too.
  EXPECT_EQ(mean_of({{kEntailment, 1}, {kEntailment, 0.4}}).verdict, Verdict::kSupported);
  const AggregatedVerdict conflict = mean_of({{kEntailment, 1}, {kContradiction, 1}});
  EXPECT_EQ(conflict.verdict, Verdict::kInsufficient);
  EXPECT_TRUE(conflict.has_conflict);
}

TEST(VerdictAggregation, ExplanationNamesConflictAndExclusion) {
  using enum NliLabel;
  const std::vector<NliVote> votes = {{kEntailment, 0.9}, {kContradiction, 0.8}, {kNeutral, 0.2}};
  const std::string text = aggregate_verdict(votes, {}).value().explanation;
  EXPECT_NE(text.find("WARNING"), std::string::npos) << text;
  EXPECT_NE(text.find("1 left out"), std::string::npos) << text;
  EXPECT_EQ(aggregate_verdict(std::vector<NliVote>{{kEntailment, 0.9}}, {}).value().explanation.find("WARNING"),
            std::string::npos);
}

TEST(VerdictAggregation, NotANumberIsRefused) {
  const std::vector<NliVote> votes = {{NliLabel::kNeutral, std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_EQ(aggregate_verdict(votes, {}).error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vivace
