#include "engine/scores.h"

#include <cmath>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(ScoresTest, SoftmaxOfHugeLogitsIsFinite) {
  const std::vector<float> logits = {1e30F, 1e30F, -1e30F};
  const std::vector<float> scores = activate(logits, ScoreActivation::kSoftmax);
  EXPECT_FLOAT_EQ(scores[0], 0.5F);
  EXPECT_FLOAT_EQ(scores[1], 0.5F);
  EXPECT_EQ(scores[2], 0.0F);
}

TEST(ScoresTest, SigmoidAndNone) {
  const std::vector<float> logits = {0, 2, -200};
  const std::vector<float> scores = activate(logits, ScoreActivation::kSigmoid);
  EXPECT_FLOAT_EQ(scores[0], 0.5F);
  EXPECT_FLOAT_EQ(scores[1], 1 / (1 + std::exp(-2.0F)));
  EXPECT_GE(scores[2], 0.0F);
  EXPECT_EQ(activate(logits, ScoreActivation::kNone), logits);
}

TEST(ScoresTest, TheBestComeFirstAndEqualsKeepTheirOrder) {
  const std::vector<std::string> labels = {"a", "b", "c", "d"};
  const std::vector<float> scores = {1, 3, 1, 2};
  const auto best = best_labels(labels, scores, 0);
  std::string order;
  for (const LabelScore& label : best) order += label.label;
  EXPECT_EQ(order, "bdac");
  EXPECT_EQ(best_labels(labels, scores, 2).size(), 2U);
  EXPECT_EQ(best_labels(labels, scores, 9).size(), 4U);
}

}  // namespace
}  // namespace vivace
