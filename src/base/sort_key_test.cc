#include "base/sort_key.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(SortKey, OrdersAsTheBytesDo) {
  std::vector<std::string> texts = {"",     "a", std::string("a\0", 2), "abcdefgh", "abcdefghi", "abcdefgh\x80",
                                    "\xff", "b"};
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 'a');
    texts.push_back(text);
  }
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      EXPECT_EQ(SortKey(a) < SortKey(b), std::string_view(a) < std::string_view(b));
      EXPECT_EQ(SortKey(a) == SortKey(b), a == b);
    }
  }
}

}  // namespace
}  // namespace vivace
