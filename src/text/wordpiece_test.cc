#include "text/wordpiece.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/word_writer.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;

// {id, end, id, end, …}, or {-1} for a word that cannot be spelled.
std::vector<int> split(const WordPieceOptions& options, std::string_view word) {
  const WordPiece model({{"un", 1}, {"una", 2}, {"##affable", 3}, {"##ff", 4}, {"xfar", 5}, {"far", 6}, {"##x", 7}},
                        options);
  std::vector<WordPiece::Piece> pieces;
  if (!model.split(word, identity_fold(), &pieces)) return {-1};
  std::vector<int> flat;
  for (const WordPiece::Piece& piece : pieces) flat.insert(flat.end(), {piece.id, static_cast<int>(piece.end)});
  return flat;
}

TEST(WordPiece, TakesTheLongestPieceAndNeverGoesBack) {
  EXPECT_THAT(split({}, "un"), ElementsAre(1, 2));
  EXPECT_THAT(split({}, "unaff"), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(split({}, "unaffable"), ElementsAre(-1)) << "una comes first, and then nothing fits";
  EXPECT_THAT(split({}, "unx"), ElementsAre(1, 2, 7, 3));
  EXPECT_THAT(split({}, "unxy"), ElementsAre(-1));
}

TEST(WordPiece, UsesThePrefixOfTheFile) {
  EXPECT_THAT(split({.continuing_subword_prefix = "x"}, "unfar"), ElementsAre(1, 2, 5, 5));
  EXPECT_THAT(split({.continuing_subword_prefix = ""}, "unfar"), ElementsAre(1, 2, 6, 5));
  EXPECT_THAT(split({.continuing_subword_prefix = "@@"}, "unfar"), ElementsAre(-1));
  EXPECT_THAT(split({.continuing_subword_prefix = "@@"}, "far"), ElementsAre(6, 3));
}

}  // namespace
}  // namespace vivace
