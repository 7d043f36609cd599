#include "text/word_scanner.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;

WordCuts make_cuts(bool at_lines, bool after_grave = false) {
  WordCuts cuts;
  cuts.blanks[' '] = true;
  cuts.blanks['\n'] = at_lines;
  for (char c = '!'; c <= '~'; ++c) cuts.plain[static_cast<uint8_t>(c)] = c != '`' || after_grave;
  cuts.is_all_graphic_plain = after_grave;
  return cuts;
}

std::vector<size_t> ends_of(const WordCuts& cuts, std::string_view text) {
  WordScanner scanner(cuts, text);
  std::array<uint32_t, WordScanner::kBlock> room;
  std::vector<size_t> ends;
  for (auto some = scanner.next_ends(room); !some.empty(); some = scanner.next_ends(room)) {
    ends.insert(ends.end(), some.begin(), some.end());
  }
  return ends;
}

// As word_cuts.h says where a cut stands.
bool is_cut(const WordCuts& cuts, std::string_view text, size_t place) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  return cuts.blanks[byte(place)] && cuts.plain[byte(place - 1)] && byte(place + 1) < 0x80;
}

std::vector<size_t> slow_ends_of(const WordCuts& cuts, std::string_view text) {
  std::vector<size_t> ends;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (is_cut(cuts, text, i)) ends.push_back(i);
  }
  ends.push_back(text.size());
  return ends;
}

TEST(WordScanner, CutsBeforeBlanksBetweenPlainAndAsciiCharacters) {
  const WordCuts cuts = make_cuts(true);
  EXPECT_THAT(ends_of(cuts, "one two  three\nfour"), ElementsAre(3, 7, 14, 19));
  EXPECT_THAT(ends_of(cuts, " a b"), ElementsAre(2, 4));
  EXPECT_THAT(ends_of(cuts, "a` b\t c"), ElementsAre(7)) << "neither mark nor control character is plain";
  EXPECT_THAT(ends_of(cuts, "a \xC3\xA9 b"), ElementsAre(6)) << "not beside other characters";
  EXPECT_THAT(ends_of(cuts, "ab "), ElementsAre(3)) << "a blank at the end belongs to its word";
  EXPECT_THAT(ends_of(cuts, " "), ElementsAre(1));
  EXPECT_THAT(ends_of(make_cuts(false), "a\nb c"), ElementsAre(3, 5));
  EXPECT_THAT(ends_of(make_cuts(true, true), "a` b\t c"), ElementsAre(2, 7));
}

TEST(WordScanner, FindsWhatALoopOverBytesFinds) {
  constexpr std::string_view kBytes = "ab~!` \n\t\x01\x7F\x80\xA0\xFF ";
  std::mt19937 random(7);
  for (size_t size = 1; size < 400; ++size) {
    // Few blanks to many: words longer than a block, and runs of blanks.
    std::string text(size, 'a');
    const size_t every = 1 + random() % 40;
    for (char& c : text) {
      if (random() % every == 0) c = kBytes[random() % kBytes.size()];
    }
    for (const bool at_lines : {true, false}) {
      for (const bool after_grave : {true, false}) {
        const WordCuts cuts = make_cuts(at_lines, after_grave);
        ASSERT_EQ(ends_of(cuts, text), slow_ends_of(cuts, text)) << size << ": '" << text << "'";
      }
    }
  }
}

}  // namespace
}  // namespace vivace
