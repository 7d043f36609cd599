#include "text/unicode_tables.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

std::vector<char32_t> decompose(char32_t c) {
  std::array<char32_t, 3> hangul;
  const auto parts = canonical_decomposition(c, code_point_info(c), &hangul);
  return {parts.begin(), parts.end()};
}

TEST(UnicodeTables, ClassifiesCodePoints) {
  EXPECT_TRUE(code_point_info(U' ').has(kWhiteSpace));
  EXPECT_TRUE(code_point_info(0x3000).has(kWhiteSpace));
  EXPECT_TRUE(code_point_info(0).has(kRemovedByCleaning));
  EXPECT_TRUE(code_point_info(0xFFFD).has(kRemovedByCleaning));
  EXPECT_TRUE(code_point_info(0x10FFFD).has(kRemovedByCleaning));
  EXPECT_FALSE(code_point_info(U'\n').has(kRemovedByCleaning));
  EXPECT_FALSE(code_point_info(0x0378).has(kRemovedByCleaning)) << "unassigned code points stay";
  EXPECT_TRUE(code_point_info(0x0301).has(kNonspacingMark));
  EXPECT_TRUE(code_point_info(U'$').has(kPunctuation)) << "ASCII symbols count";
  EXPECT_FALSE(code_point_info(0x20AC).has(kPunctuation)) << "other symbols do not";
  EXPECT_TRUE(code_point_info(0x4E2D).has(kChinese));
  EXPECT_FALSE(code_point_info(0x3042).has(kChinese));
  EXPECT_TRUE(code_point_info(U'_').has(kWordCharacter));
  EXPECT_FALSE(code_point_info(U'-').has(kWordCharacter));
}

TEST(UnicodeTables, DecomposesFully) {
  EXPECT_FALSE(code_point_info(U'a').has(kDecomposes));
  EXPECT_EQ(decompose(0x1E69), (std::vector<char32_t>{U's', 0x0323, 0x0307}));
  EXPECT_EQ(decompose(0xAC00), (std::vector<char32_t>{0x1100, 0x1161}));
  EXPECT_EQ(decompose(0xD7A3), (std::vector<char32_t>{0x1112, 0x1175, 0x11C2}));
  EXPECT_EQ(code_point_info(0x0323).combining_class, 220);
  EXPECT_EQ(code_point_info(U'a').combining_class, 0);
}

TEST(UnicodeTables, Lowercases) {
  const auto lower = lowercase_form(code_point_info(0x0130));
  EXPECT_EQ(std::vector<char32_t>(lower.begin(), lower.end()), (std::vector<char32_t>{U'i', 0x0307}));
  EXPECT_EQ(lowercase_form(code_point_info(U'Q'))[0], U'q');
  EXPECT_FALSE(code_point_info(U'q').has(kHasLowercase));
}

TEST(UnicodeTables, CoverTheWholeRange) {
  size_t chinese = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) chinese += code_point_info(c).has(kChinese) ? 1 : 0;
  EXPECT_EQ(chinese, 81264U);
}

}  // namespace
}  // namespace vivace
