#include "text/added_tokens.h"

#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Found = std::tuple<int, size_t, size_t>;  // id, begin, end

std::vector<Found> find_all(const std::vector<AddedToken>& tokens, std::string_view text) {
  std::vector<AddedTokenMatcher::Pattern> patterns;
  patterns.reserve(tokens.size());
  for (const AddedToken& token : tokens) patterns.push_back({token.content, token});
  const AddedTokenMatcher matcher(patterns);
  AddedTokenScanner scanner(matcher, text);
  std::vector<Found> found;
  while (const auto match = scanner.next(scanner.resume(), text.size())) {
    found.emplace_back(match->id, match->begin, match->end);
  }
  return found;
}

TEST(AddedTokens, MatchLeftmostThenLongest) {
  const std::vector<AddedToken> tokens = {
      {.content = "ab", .id = 1}, {.content = "abc", .id = 2}, {.content = "bcd", .id = 3}};
  EXPECT_THAT(find_all(tokens, "xabcd ab"), ElementsAre(Found{2, 1, 4}, Found{1, 6, 8}));
  EXPECT_THAT(find_all(tokens, ""), IsEmpty());
  EXPECT_THAT(find_all({}, "ab"), IsEmpty());
}

TEST(AddedTokens, SingleWordsStandAlone) {
  const std::vector<AddedToken> tokens = {{.content = "ab", .id = 1, .single_word = true}, {.content = "b", .id = 2}};
  // The rejected match uses up its b.
  EXPECT_THAT(find_all(tokens, "ab xab éab ab_ -ab-b"),
              ElementsAre(Found{1, 0, 2}, Found{1, 17, 19}, Found{2, 20, 21}));
}

TEST(AddedTokens, TakeWhiteSpaceAlong) {
  const std::vector<AddedToken> tokens = {{.content = "l", .id = 1, .lstrip = true},
                                          {.content = "r", .id = 2, .rstrip = true}};
  EXPECT_THAT(find_all(tokens, "a \u3000l r \t l"), ElementsAre(Found{1, 1, 6}, Found{2, 7, 11}, Found{1, 11, 12}));
}

TEST(AddedTokens, MatchInTheSpaceThatAnotherTookAlong) {
  const std::vector<AddedToken> tokens = {{.content = "r", .id = 1, .rstrip = true}, {.content = " ", .id = 2}};
  EXPECT_THAT(find_all(tokens, "r  "), ElementsAre(Found{1, 0, 3}, Found{2, 1, 2}, Found{2, 2, 3}));
}

TEST(AddedTokens, OfEqualPatternsTheFirstCounts) {
  EXPECT_THAT(find_all({{.content = "x", .id = 4}, {.content = "x", .id = 3}}, "x"), ElementsAre(Found{4, 0, 1}));
}

}  // namespace
}  // namespace vivace
