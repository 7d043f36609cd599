#include "apps/detection/sentence_checks.h"

#include <vector>

#include <gtest/gtest.h>

#include "apps/detection/words.h"

namespace vivace {
namespace {

std::string words(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "word ";
  return text;
}

TEST(SentenceChecks, C003_13_LimitsAtTheEdgeAndPastIt) {
  const SentenceLimits limits;
  EXPECT_FALSE(check_sentences(std::vector<std::string>(120, words(350)), limits));
  EXPECT_FALSE(check_sentences(std::vector<std::string>{"one"}, limits));
  EXPECT_EQ(check_sentences(std::vector<std::string>(121, "a"), limits)->message,
            "there are 121 sentences, the limit is 120; send several requests");
  const auto long_one = check_sentences(std::vector<std::string>{"a", words(351)}, limits);
  EXPECT_EQ(long_one->sentence, 1U);
  EXPECT_EQ(long_one->message, "sentence 1 has 351 words, the limit is 350; split it");
  EXPECT_FALSE(check_sentences(std::vector<std::string>{words(50)}, {.max_sentences = 1, .max_words = 50}));
  EXPECT_TRUE(check_sentences(std::vector<std::string>{words(51)}, {.max_sentences = 1, .max_words = 50}));
}

TEST(SentenceChecks, NothingAndBlanksAreRefused) {
  EXPECT_EQ(check_sentences({}, {})->message, "there must be at least 1 sentence");
  EXPECT_EQ(check_sentences(std::vector<std::string>{"a", " \t\u3000\n"}, {})->message, "sentence 1 is blank");
  EXPECT_EQ(check_sentences(std::vector<std::string>{""}, {})->sentence, 0U);
}

TEST(Words, StandBetweenWhiteSpaceOfEveryKind) {
  const std::vector<std::string_view> found = split_words(" Köln\u3000漢字\r\n\u00a0a\u00adb ");
  EXPECT_EQ(found, (std::vector<std::string_view>{"Köln", "漢字", "a\u00adb"}));
}

}  // namespace
}  // namespace vivace
