#include "text/precompiled.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/base64.h"
#include "text/precompiled_testing.h"

namespace vivace {
namespace {

using testing::small_trie;
using testing::table_of;
using testing::unit_bytes;

std::string normalize(const std::string& table, std::string_view text) {
  const Result<Precompiled> precompiled = Precompiled::from_bytes(table, "table");
  return precompiled ? precompiled->normalize(text) : precompiled.error().message;
}

TEST(Precompiled, ReplacesCharactersAndSmallClusters) {
  const std::string table = table_of(small_trie(), std::string("X\0\0", 3));
  EXPECT_EQ(normalize(table, "banana q!"), "bXnXnX !");
  EXPECT_EQ(normalize(table, "a\u0301b"), "Xb") << "the mark goes with its letter, as in the package";
  EXPECT_EQ(normalize(table, "a\u0897b"), "Xb") << "a mark that is new in Unicode 16";
  EXPECT_EQ(normalize(table, "a\u0301\u0301\u0301b"), "X\u0301\u0301\u0301b") << "clusters from 6 bytes on: characters";
  EXPECT_EQ(normalize(table, "\r\na"), "\r\nX");
  EXPECT_EQ(normalize(table, ""), "");
}

TEST(Precompiled, PartsCoverTheText) {
  const Precompiled precompiled = Precompiled::from_bytes(table_of(small_trie(), std::string("X\0\0", 3)), "t").value();
  std::vector<PrecompiledPart> parts;
  precompiled.split("bcaéq", &parts);
  const auto kept = [](uint32_t begin, uint32_t end) {
    return PrecompiledPart{.begin = begin, .end = end, .is_replaced = false, .replacement = {}};
  };
  const auto replaced = [](uint32_t begin, uint32_t end, std::string_view text) {
    return PrecompiledPart{.begin = begin, .end = end, .is_replaced = true, .replacement = text};
  };
  EXPECT_THAT(parts, ::testing::ElementsAre(kept(0, 2), replaced(2, 3, "X"), kept(3, 5), replaced(5, 6, "")));
}

TEST(Precompiled, RefusesWhatIsNoTable) {
  const auto message = [](std::string_view table) {
    const Result<Precompiled> result = Precompiled::from_bytes(table, "map");
    return result ? "" : result.error().message;
  };
  EXPECT_EQ(message("ab"), "map: the table has no size");
  EXPECT_EQ(message(unit_bytes(0) + "abcd"), "map: the table says that its trie has 0 units, but there is room for 1");
  EXPECT_EQ(message(unit_bytes(800) + "abcd"),
            "map: the table says that its trie has 200 units, but there is room for 1");
  EXPECT_EQ(message(table_of(small_trie(), "\xFF")), "map: the table's replacements are not UTF-8");
}

// Random units make wild jumps: every answer must still be UTF-8, without a read outside (run under the sanitizer).
TEST(Precompiled, NeverLeavesABrokenTable) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint32_t> units(1 + random() % 300);
    for (uint32_t& unit : units) {
      unit = static_cast<uint32_t>(random());
      if (random() % 2 == 0) unit = (unit & 0x3FU) << 10U | (random() % 256) | 0x100U;
    }
    for (uint32_t c = 'a'; c < 'e' && c < units.size(); ++c) units[c] = (units[c] & 0x7FFFFF00U) | c;
    const std::string normal = normalize(table_of(units, "aé\u4e2d\0b"), "abcdéa\u0301中 e");
    EXPECT_EQ(find_invalid_utf8(normal), kValidUtf8);
  }
}

TEST(Base64, DecodesWhatEncodersWrite) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("TQ=="), "M");
  EXPECT_EQ(decode_base64("TWE="), "Ma");
  EXPECT_EQ(decode_base64("TWFu/+8="), "Man\xFF\xEF");
  for (const char* text : {"", "M", "Ma", "Man", "\xFF\x01z\xFE"}) EXPECT_EQ(decode_base64(encode_base64(text)), text);
  for (const char* wrong : {"T", "TQ", "TQ=", "TQ=a", "T===", "====", "TR==", "TW F", "TQ==TQ==", "TWF-"}) {
    EXPECT_EQ(decode_base64(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace vivace
