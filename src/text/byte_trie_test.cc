#include "text/byte_trie.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(ByteTrie, FindsTheLongestPrefix) {
  const ByteTrie trie({{"a", 1}, {"abc", 2}, {"b", 3}, {"\xff\xfe", 4}, {std::string_view("\0x", 2), 5}});
  EXPECT_EQ(trie.longest_prefix("abd").length, 1U);
  EXPECT_EQ(trie.longest_prefix("abd").value, 1);
  EXPECT_EQ(trie.longest_prefix("abcd").value, 2);
  EXPECT_EQ(trie.longest_prefix("\xff\xfe").value, 4);
  EXPECT_EQ(trie.longest_prefix(std::string_view("\0xy", 3)).value, 5);
  EXPECT_EQ(trie.longest_prefix("c").value, ByteTrie::kNoValue);
  EXPECT_EQ(trie.longest_prefix("").length, 0U);
}

TEST(ByteTrie, OfNothingFindsNothing) {
  const ByteTrie trie({});
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(trie.step(ByteTrie::kRoot, static_cast<uint8_t>(byte)), ByteTrie::kDead);
}

// Dense and sparse random keys against a map: every key is found, and nothing else.
TEST(ByteTrie, AgreesWithAMap) {
  std::mt19937 random(7);
  for (const unsigned alphabet : {2U, 26U, 256U}) {
    std::map<std::string, int32_t> expected;
    for (int32_t i = 0; i < 3000; ++i) {
      std::string key(1 + random() % 8, '\0');
      for (char& c : key) c = static_cast<char>(random() % alphabet);
      expected.emplace(key, i);
    }
    std::vector<std::pair<std::string_view, int32_t>> keys(expected.begin(), expected.end());
    const ByteTrie trie(keys);
    for (int i = 0; i < 20000; ++i) {
      std::string text(1 + random() % 10, '\0');
      for (char& c : text) c = static_cast<char>(random() % alphabet);
      const ByteTrie::Match match = trie.longest_prefix(text);
      size_t longest = 0;
      for (size_t n = 1; n <= text.size(); ++n) longest = expected.contains(text.substr(0, n)) ? n : longest;
      ASSERT_EQ(match.length, longest);
      ASSERT_EQ(match.value, longest == 0 ? ByteTrie::kNoValue : expected[text.substr(0, longest)]);
    }
  }
}

}  // namespace
}  // namespace vivace
