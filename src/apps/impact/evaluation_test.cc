#include "apps/impact/evaluation.h"

#include <cmath>

#include <gtest/gtest.h>

#include "apps/impact/impact_testing.h"

namespace vivace {
namespace {

// A text's cosine with every keyword is what the text says: "cos 0.40 …".
Result<std::vector<EmbeddedText>> written_cosine(const std::vector<std::string>& texts, const RequestLimits&) {
  std::vector<EmbeddedText> embedded;
  for (const std::string& text : texts) {
    const float x = text.starts_with("cos ") ? std::stof(text.substr(4)) : 1.0F;
    embedded.push_back({.values = {x, std::sqrt(1 - x * x)}});
  }
  return embedded;
}

SemanticBackend backend(SemanticGates gates = {}) {
  return {.name = "test", .embed = written_cosine, .gates = gates};
}

std::vector<LabelledMessage> rows(const std::vector<std::pair<std::string, bool>>& texts) {
  std::vector<LabelledMessage> messages;
  for (const auto& [text, risk] : texts) {
    const auto document = JsonDocument::parse(
        R"({"message":{"content":")" + text + R"("},"risk":)" + (risk ? "true" : "false") + "}", "row");
    messages.push_back(*read_labelled_message(document->root(), {}));
  }
  return messages;
}

TEST(Evaluation, CalibrateFindsTheGapBetweenTheLabels) {
  const auto calibration = calibrate_gates({}, backend(),
                                           rows({{"cos 0.10", false},
                                                 {"cos 0.30", false},
                                                 {"cos 0.50", true},
                                                 {"cos 0.90", true},
                                                 {"cos 0.20 risk", false},
                                                 {"cos 0.60 risk", true}}));
  ASSERT_TRUE(calibration);
  EXPECT_NEAR(calibration->gates.without_keywords, 0.4, 1e-3);
  EXPECT_EQ(calibration->gates.with_keywords, 0) << "neither row would be overruled";
  EXPECT_EQ(calibration->agreement_with_keywords, 1);
  EXPECT_EQ(calibration->agreement_without_keywords, 1);
  EXPECT_EQ(calibration->rows_without_keywords, 4U);
  EXPECT_EQ(calibration->rows_with_keywords, 2U);
}

TEST(Evaluation, CalibrateTakesTheBestCutWhereLabelsOverlap) {
  const auto calibration = calibrate_gates(
      {}, backend(),
      rows({{"cos 0.10", false}, {"cos 0.20", true}, {"cos 0.30", false}, {"cos 0.70", true}, {"cos 0.80", true}}));
  ASSERT_TRUE(calibration);
  EXPECT_NEAR(calibration->gates.without_keywords, 0.5, 1e-3);
  EXPECT_NEAR(calibration->agreement_without_keywords, 0.8, 1e-12);
  EXPECT_EQ(calibration->gates.with_keywords, 0.85) << "no row speaks about it";
  EXPECT_EQ(calibration->notes.size(), 1U);
}

// With keywords a cosine from .8 on would boost the score: of 200 rows two may be.
TEST(Evaluation, CalibrateLetsKeywordsDecide) {
  std::vector<std::pair<std::string, bool>> texts = {{"cos 0.95 risk", true},
                                                     {"cos 0.93 risk", true},
                                                     {"cos 0.91 risk", false},
                                                     {"cos 0.85 risk", true},
                                                     {"cos 0.1", false}};
  for (int i = 0; i < 196; ++i) texts.emplace_back("cos 0.50 risk", true);
  const auto calibration = calibrate_gates({}, backend(), rows(texts));
  ASSERT_TRUE(calibration);
  EXPECT_NEAR(calibration->gates.with_keywords, 0.911, 1.1e-3);
  EXPECT_NEAR(calibration->agreement_with_keywords, 0.99, 1e-12);
}

TEST(Evaluation, CalibrateNeedsLabels) {
  auto messages = rows({{"cos 0.10", false}});
  messages[0].risk.reset();
  EXPECT_EQ(calibrate_gates({}, backend(), messages).error().code, StatusCode::kInvalidArgument);
}

TEST(Evaluation, C000_23_ValidateCountsAgreementAndDetections) {
  const auto validation = validate_model({}, backend({.without_keywords = 0.4, .with_keywords = 0.85}),
                                         rows({{"cos 0.70 hidden", true},
                                               {"cos 0.20 plain", false},
                                               {"cos 0.30 risk", true},
                                               {"cos 0.95 policy", false},
                                               {"cos 0.10 unseen", true}}));
  ASSERT_TRUE(validation);
  EXPECT_EQ(validation->rows, 5U);
  EXPECT_EQ(validation->keyword_rows, 2U);
  EXPECT_EQ(validation->keyword_rows_agreed, 1U) << "the model lifts the policy from .27 to .8";
  ASSERT_EQ(validation->disagreements.size(), 1U);
  EXPECT_EQ(validation->disagreements[0].row, 3U);
  ASSERT_EQ(validation->only_model.size(), 1U);
  EXPECT_EQ(validation->only_model[0].row, 0U);
  EXPECT_NEAR(validation->by_keywords.recall(), 1.0 / 3, 1e-12);
  EXPECT_NEAR(validation->by_keywords.precision(), 1.0 / 2, 1e-12);
  EXPECT_NEAR(validation->by_model.recall(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(validation->by_model.precision(), 2.0 / 3, 1e-12);
}

TEST(Evaluation, ValidateNeedsTheModel) {
  const auto broken = [](const std::vector<std::string>&, const RequestLimits&) -> Result<std::vector<EmbeddedText>> {
    return error(StatusCode::kUnavailable, "gone");
  };
  const auto validation = validate_model({}, {.name = "broken", .embed = broken, .gates = {}}, rows({{"x", true}}));
  EXPECT_EQ(validation.error().code, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace vivace
