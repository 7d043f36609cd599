#include "apps/detection/word_scores.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/recorded_testing.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<double> values(const std::vector<WordScore>& words) {
  std::vector<double> scores;
  for (const WordScore& word : words) scores.push_back(word.score);
  return scores;
}

void expect_recorded(const JsonValue& expected, const std::vector<WordScore>& words, const std::string& place) {
  const std::vector<JsonValue> items = expected.as_array().value();
  ASSERT_EQ(words.size(), items.size()) << place;
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_NEAR(words[i].score, items[i].as_double().value(), 1e-4) << place << " word " << i;
  }
}

TEST(WordScores, C003_02_RecordedAlignments) {
  const std::string path = "../shared/data/detection/word_alignment.jsonl";
  if (!std::filesystem::exists(std::string(VIVACE_SOURCE_DIR) + "/" + path)) GTEST_SKIP() << path << " is missing";
  const std::vector<JsonDocument> cases = read_recorded(path);
  EXPECT_GE(cases.size(), 120U);
  for (size_t i = 0; i < cases.size(); ++i) {
    const JsonValue row = cases[i].root();
    const std::string text(row.get("text")->as_string().value());
    std::vector<TokenOffset> offsets;
    const std::vector<JsonValue> pairs = row.get("offsets")->as_array().value();
    for (const JsonValue& pair : pairs) {
      const std::vector<JsonValue> ends = pair.as_array().value();
      offsets.push_back({static_cast<int32_t>(ends[0].as_integer(0, 1 << 20).value()),
                         static_cast<int32_t>(ends[1].as_integer(0, 1 << 20).value())});
    }
    std::vector<float> scores;
    const std::vector<JsonValue> probabilities = row.get("token_probabilities")->as_array().value();
    for (const JsonValue& score : probabilities) {
      scores.push_back(static_cast<float>(score.as_double().value()));
    }
    const std::string place = "row " + std::to_string(i);
    expect_recorded(row.get("trimmed").value(), score_words(text, offsets, scores, OffsetRule::kTrimmed), place);
    expect_recorded(row.get("original").value(), score_words(text, offsets, scores, OffsetRule::kCompatible), place);
  }
}

TEST(WordScores, BlanksOfTokensDoNotCountUnlessAskedFor) {
  // [CLS] old ▁let ters [SEP]
  const std::vector<TokenOffset> offsets{{0, 0}, {0, 3}, {3, 7}, {7, 11}, {0, 0}};
  const std::vector<float> scores{1.0F, 0.25F, 0.5F, 0.75F, 1.0F};
  EXPECT_THAT(values(score_words("old letters", offsets, scores, OffsetRule::kTrimmed)), ElementsAre(0.25, 0.625));
  EXPECT_THAT(values(score_words("old letters", offsets, scores, OffsetRule::kCompatible)), ElementsAre(0.25, 0.75));
  EXPECT_THAT(score_words(" \n ", {}, {}, OffsetRule::kTrimmed), IsEmpty());
}

// Windows of `room` tokens between two special ones, each token a letter.
struct LetterWindows {
  LetterWindows(const std::string& text, size_t room, size_t overlap) {
    std::vector<TokenOffset> letters;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto begin = static_cast<int32_t>(i);
      if (text[i] != ' ') letters.push_back({begin, begin + 1});
    }
    for (size_t begin = 0;; begin += room - overlap) {
      const size_t end = std::min(begin + room, letters.size());
      offsets.emplace_back(1);
      offsets.back().insert(offsets.back().end(), letters.begin() + static_cast<std::ptrdiff_t>(begin),
                            letters.begin() + static_cast<std::ptrdiff_t>(end));
      offsets.back().emplace_back();
      scores.emplace_back(offsets.back().size(), static_cast<float>(scores.size()));  // the window's number
      if (end == letters.size()) break;
    }
    for (size_t i = 0; i < offsets.size(); ++i) windows.push_back({.offsets = offsets[i], .scores = scores[i]});
  }
  std::vector<std::vector<TokenOffset>> offsets;
  std::vector<std::vector<float>> scores;
  std::vector<ScoredWindow> windows;
};

TEST(WordScores, WordTakesTheFirstWindowThatHoldsItWhole) {
  // Windows: "ab cde", "de fg hi", "g hi j".
  const std::string text = "ab cde fg hi j";
  const LetterWindows made(text, 6, 3);
  ASSERT_EQ(made.windows.size(), 3U);
  const WindowedScores scored = score_windows(text, made.windows, 3);
  EXPECT_THAT(values(scored.words), ElementsAre(0, 0, 1, 1, 2));
  EXPECT_EQ(scored.truncated_words, 3U);
}

TEST(WordScores, WordThatNoWindowHoldsWholeIsTheMeanOfAllItsTokens) {
  // Of "bcdefghijk" the windows hold "bcdef", "efghij" and "ijk": b to e are farthest from the edge in the first
  // window, f to i in the second, j and k in the third.
  const std::string text = "a bcdefghijk";
  const LetterWindows made(text, 6, 2);
  ASSERT_EQ(made.windows.size(), 3U);
  const WindowedScores scored = score_windows(text, made.windows, 2);
  EXPECT_THAT(values(scored.words), ElementsAre(0, (4 * 0 + 4 * 1 + 2 * 2) / 10.0));
  EXPECT_EQ(scored.words[1].tokens, 10U);
  EXPECT_EQ(scored.truncated_words, 1U);
}

}  // namespace
}  // namespace vivace
