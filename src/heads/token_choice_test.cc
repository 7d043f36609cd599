#include "heads/token_choice.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

constexpr float kNo = -std::numeric_limits<float>::infinity();

TEST(TokenChoiceTest, PenaltyMovesWrittenTokensOnceAndEndsComeLast) {
  std::vector<float> scores{2, -2, 3, 4};
  const std::vector<int32_t> ids{0, 1, 1};
  penalize({.min_new_tokens = 3, .repetition_penalty = 2}, {.start = 0, .ends = {3}}, ids, scores);
  EXPECT_THAT(scores, ElementsAre(1, -4, 3, kNo));
  penalize({.min_new_tokens = 2}, {.start = 0, .ends = {2}}, ids, scores);
  EXPECT_THAT(scores, ElementsAre(1, -4, 3, kNo));
}

// Expected values are those of transformers' TemperatureLogitsWarper, TopKLogitsWarper and TopPLogitsWarper in turn.
TEST(TokenChoiceTest, CandidatesAreThoseOfTransformers) {
  const std::vector<float> logits{1, 3, 2, 3, 0};
  const auto kept = [&](const GenerationOptions& options) {
    std::vector<float> scores = logits;
    keep_candidates(options, scores);
    return scores;
  };
  EXPECT_THAT(kept({.temperature = 2}), ElementsAre(0.5F, 1.5F, 1, 1.5F, 0));
  EXPECT_THAT(kept({.temperature = 1, .top_k = 1}), ElementsAre(kNo, 3, kNo, 3, kNo));  // a tie keeps both
  EXPECT_THAT(kept({.temperature = 1, .top_k = 3}), ElementsAre(kNo, 3, 2, 3, kNo));
  EXPECT_THAT(kept({.temperature = 1, .top_k = 9}), ElementsAre(1, 3, 2, 3, 0));
  // Probabilities, least likely first: 0.0200, 0.0544, 0.1479, 0.4019, 0.4019 (rounded).
  EXPECT_THAT(kept({.temperature = 1, .top_p = 0.99}), ElementsAre(1, 3, 2, 3, 0));
  EXPECT_THAT(kept({.temperature = 1, .top_p = 0.95}), ElementsAre(1, 3, 2, 3, kNo));
  EXPECT_THAT(kept({.temperature = 1, .top_p = 0.85}), ElementsAre(kNo, 3, 2, 3, kNo));
  EXPECT_THAT(kept({.temperature = 1, .top_p = 0.5}), ElementsAre(kNo, 3, kNo, 3, kNo));
}

TEST(TokenChoiceTest, LogSoftmaxSumsToOne) {
  std::vector<float> scores{1000, 999, -1000};
  log_softmax(scores);
  EXPECT_THAT(scores,
              ElementsAre(FloatNear(-0.313262F, 1e-5F), FloatNear(-1.313262F, 1e-5F), FloatNear(-2000.31F, 0.01F)));
}

TEST(TokenChoiceTest, DrawsFollowTheProbabilities) {
  const std::vector<float> scores{std::log(0.1F), kNo, std::log(0.6F), std::log(0.3F)};
  std::vector<int> counts(scores.size());
  TokenSampler sampler(3, 0);
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.draw(scores))];
  // Five standard deviations at most.
  EXPECT_NEAR(counts[0], 0.1 * kDraws, 5 * std::sqrt(0.1 * 0.9 * kDraws));
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 0.6 * kDraws, 5 * std::sqrt(0.6 * 0.4 * kDraws));
  EXPECT_NEAR(counts[3], 0.3 * kDraws, 5 * std::sqrt(0.3 * 0.7 * kDraws));
}

TEST(TokenChoiceTest, StreamsRepeatAndDiffer) {
  const std::vector<float> scores(1000, 0.0F);
  TokenSampler sampler(42, 1);
  std::vector<int32_t> drawn;
  for (int i = 0; i < 4; ++i) drawn.push_back(sampler.draw(scores));
  TokenSampler again(42, 1);
  for (const int32_t token : drawn) EXPECT_EQ(again.draw(scores), token);
  TokenSampler other(42, 2);
  EXPECT_NE(other.draw(scores), drawn[0]);
}

}  // namespace
}  // namespace vivace
