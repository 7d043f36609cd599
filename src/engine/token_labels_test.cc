#include "engine/token_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kLabels = {"O", "B-PER", "I-PER", "B-LOC", "LOC"};

LabelledToken token(int start, int end, std::vector<float> scores, bool continues = false) {
  return {start, end, continues, std::move(scores)};
}

std::vector<float> sure(size_t label, float score = 0.8F) {
  std::vector<float> scores(kLabels.size(), (1 - score) / 4);
  scores[label] = score;
  return scores;
}

std::vector<std::string> spans(std::string_view text, const std::vector<LabelledToken>& tokens,
                               Aggregation aggregation = Aggregation::kSimple) {
  std::vector<std::string> found;
  for (const TaggedSpan& span : label_spans(TextPlaces(text), tokens, kLabels, aggregation)) {
    found.push_back(span.label + ":" + span.text);
  }
  return found;
}

TEST(TokenLabelsTest, SpansGoOnUntilTheLabelChangesOrBeginsAnew) {
  const std::string_view text = "aa bb cc";
  const auto of = [&](size_t a, size_t b, size_t c) {
    return spans(text, {token(0, 2, sure(a)), token(3, 5, sure(b)), token(6, 8, sure(c))});
  };
  EXPECT_THAT(of(1, 2, 2), ElementsAre("PER:aa bb cc"));
  EXPECT_THAT(of(1, 1, 2), ElementsAre("PER:aa", "PER:bb cc"));
  EXPECT_THAT(of(2, 0, 2), ElementsAre("PER:aa", "PER:cc"));
  EXPECT_THAT(of(3, 4, 2), ElementsAre("LOC:aa bb", "PER:cc"));
  EXPECT_THAT(of(0, 0, 0), IsEmpty());
}

TEST(TokenLabelsTest, TokensOfAWordAgreeAsAsked) {
  const std::vector<LabelledToken> tokens = {token(0, 1, {0.5F, 0.4F, 0.1F, 0, 0}),
                                             token(1, 2, {0.1F, 0.6F, 0.3F, 0, 0}, true),
                                             token(2, 3, {0.05F, 0.2F, 0.7F, 0.05F, 0}, true)};
  const auto label = [&](Aggregation aggregation) {
    const auto words = label_words(TextPlaces("abc"), tokens, kLabels, aggregation);
    EXPECT_EQ(words.size(), 1U);
    EXPECT_EQ(words[0].word, "abc");
    return std::pair(words[0].label, words[0].score);
  };
  EXPECT_EQ(label(Aggregation::kFirst), std::pair(std::string("O"), 0.5F));
  EXPECT_EQ(label(Aggregation::kSimple), label(Aggregation::kFirst));
  EXPECT_EQ(label(Aggregation::kMax), std::pair(std::string("I-PER"), 0.7F));
  EXPECT_EQ(label(Aggregation::kAverage).first, "B-PER");
  EXPECT_FLOAT_EQ(label(Aggregation::kAverage).second, 0.4F);
  // Simple spans are made of tokens, not of words.
  EXPECT_THAT(spans("abc", tokens), ElementsAre("PER:bc"));
  EXPECT_THAT(spans("abc", tokens, Aggregation::kFirst), IsEmpty());
}

TEST(TokenLabelsTest, PlacesAreCodePointsWithoutLeadingBlanks) {
  const std::string_view text = "é 猫x";
  const auto words =
      label_words(TextPlaces(text), {token(0, 1, sure(0)), token(1, 4, sure(1))}, kLabels, Aggregation::kFirst);
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[0].word, "é");
  EXPECT_EQ(words[1].word, "猫x");
  EXPECT_EQ(words[1].start, 2);
  EXPECT_EQ(words[1].end, 4);
}

TEST(TokenLabelsTest, PlacesOutsideTheTextAreMovedInside) {
  const TextPlaces places("ab");
  EXPECT_EQ(places.slice(-3, 9), "ab");
  EXPECT_EQ(places.slice(2, 1), "");
  EXPECT_EQ(TextPlaces("").slice(0, 1), "");
  EXPECT_THAT(label_words(places, {}, kLabels, Aggregation::kMax), IsEmpty());
}

// What goes on before any word began starts one.
TEST(TokenLabelsTest, AContinuationAtTheBeginningIsAWord) {
  EXPECT_EQ(label_words(TextPlaces("ab"), {token(0, 1, sure(1), true), token(1, 2, sure(2), true)}, kLabels,
                        Aggregation::kMax)
                .size(),
            1U);
}

}  // namespace
}  // namespace vivace
