#include "text/unicode_tables.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

std::vector<char32_t> decompose(char32_t c) {
  const UnicodeTables& tables = UnicodeTables::instance();
  std::array<char32_t, 3> hangul;
  const auto parts = tables.decomposition(c, tables.at(c), &hangul);
  return {parts.begin(), parts.end()};
}

TEST(UnicodeTables, ClassifiesCodePoints) {
  const UnicodeTables& tables = UnicodeTables::instance();
  EXPECT_TRUE(tables.at(U' ').has(kWhiteSpace));
  EXPECT_TRUE(tables.at(0x3000).has(kWhiteSpace));
  EXPECT_TRUE(tables.at(0).has(kRemovedByCleaning));
  EXPECT_TRUE(tables.at(0xFFFD).has(kRemovedByCleaning));
  EXPECT_TRUE(tables.at(0x10FFFD).has(kRemovedByCleaning));
  EXPECT_FALSE(tables.at(U'\n').has(kRemovedByCleaning));
  EXPECT_FALSE(tables.at(0x0378).has(kRemovedByCleaning)) << "unassigned code points stay";
  EXPECT_TRUE(tables.at(0x0301).has(kNonspacingMark));
  EXPECT_TRUE(tables.at(U'$').has(kPunctuation)) << "ASCII symbols count";
  EXPECT_FALSE(tables.at(0x20AC).has(kPunctuation)) << "other symbols do not";
  EXPECT_TRUE(tables.at(0x4E2D).has(kChinese));
  EXPECT_FALSE(tables.at(0x3042).has(kChinese));
  EXPECT_TRUE(tables.at(U'_').has(kWordCharacter));
  EXPECT_FALSE(tables.at(U'-').has(kWordCharacter));
}

TEST(UnicodeTables, DecomposesFully) {
  const UnicodeTables& tables = UnicodeTables::instance();
  EXPECT_FALSE(tables.at(U'a').has(kDecomposes));
  EXPECT_EQ(decompose(0x1E69), (std::vector<char32_t>{U's', 0x0323, 0x0307}));
  EXPECT_EQ(decompose(0xAC00), (std::vector<char32_t>{0x1100, 0x1161}));
  EXPECT_EQ(decompose(0xD7A3), (std::vector<char32_t>{0x1112, 0x1175, 0x11C2}));
  EXPECT_EQ(tables.at(0x0323).combining_class, 220);
  EXPECT_EQ(tables.at(U'a').combining_class, 0);
}

TEST(UnicodeTables, Lowercases) {
  const UnicodeTables& tables = UnicodeTables::instance();
  const auto lower = tables.lowercase(tables.at(0x0130));
  EXPECT_EQ(std::vector<char32_t>(lower.begin(), lower.end()), (std::vector<char32_t>{U'i', 0x0307}));
  EXPECT_EQ(tables.lowercase(tables.at(U'Q'))[0], U'q');
  EXPECT_FALSE(tables.at(U'q').has(kHasLowercase));
}

TEST(UnicodeTables, CoverTheWholeRange) {
  const UnicodeTables& tables = UnicodeTables::instance();
  size_t chinese = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) chinese += tables.at(c).has(kChinese) ? 1 : 0;
  EXPECT_EQ(chinese, 81264U);
}

}  // namespace
}  // namespace vivace
