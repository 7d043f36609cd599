#include "text/word_alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WordAlignment, GivesTokensToTheirWords) {
  // [CLS] ▁Köln _am ▁ Rhein s _am_Rhein, with the blanks that SentencePiece offsets include.
  const std::vector<TokenOffset> offsets{{0, 0}, {0, 5}, {5, 8}, {8, 9}, {9, 14}, {14, 15}, {5, 14}, {0, 0}};
  const WordAlignment alignment = align_words(" Köln am Rheins\u3000\n", offsets);
  EXPECT_THAT(alignment.words, ElementsAre(TokenOffset{1, 5}, TokenOffset{6, 8}, TokenOffset{9, 15}));
  EXPECT_THAT(alignment.word_of_token, ElementsAre(-1, 0, 1, 2, 2, 2, -1, -1));
}

TEST(WordAlignment, BlankTokenBelongsToTheWordRightBehindIt) {
  const std::vector<TokenOffset> offsets{{1, 2}, {2, 3}, {3, 4}};  // "\r", "\n" and "b" of a Windows line end
  EXPECT_THAT(align_words("a\r\nb", offsets).word_of_token, ElementsAre(-1, 1, 1));
}

TEST(WordAlignment, TakesTrailingBlanksAndTextsWithoutWords) {
  const std::vector<TokenOffset> offsets{{0, 3}, {2, 4}, {4, 6}};
  EXPECT_THAT(align_words("ab  \x1f ", offsets).word_of_token, ElementsAre(0, -1, -1));
  EXPECT_THAT(align_words("", offsets).word_of_token, ElementsAre(-1, -1, -1));
  EXPECT_THAT(align_words("", offsets).words, IsEmpty());
}

}  // namespace
}  // namespace vivace
