#include "text/truncation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;

PairLengths cut(PairLengths lengths, size_t limit, TruncationStrategy strategy = TruncationStrategy::kLongestFirst) {
  const auto kept = truncate_pair(lengths, limit, strategy);
  EXPECT_TRUE(kept.has_value()) << kept.error().message;
  return kept ? *kept : PairLengths{};
}

TEST(Truncation, CutsTheLongestTextFirst) {
  EXPECT_EQ(cut({3, 4}, 7), (PairLengths{3, 4}));
  EXPECT_EQ(cut({3, 9}, 7), (PairLengths{3, 4}));
  EXPECT_EQ(cut({9, 3}, 7), (PairLengths{4, 3}));
  EXPECT_EQ(cut({9, 8}, 7), (PairLengths{4, 3}));
  EXPECT_EQ(cut({8, 9}, 7), (PairLengths{3, 4}));
  EXPECT_EQ(cut({8, 8}, 7), (PairLengths{3, 4}));
  EXPECT_EQ(cut({0, 8}, 7), (PairLengths{0, 7}));
  EXPECT_EQ(cut({8, 8}, 1), (PairLengths{0, 1}));
  EXPECT_EQ(cut({8, 8}, 0), (PairLengths{0, 0}));
}

TEST(Truncation, CutsTheNamedTextOrSaysThatItIsTooShort) {
  EXPECT_EQ(cut({9, 3}, 7, TruncationStrategy::kOnlyFirst), (PairLengths{4, 3}));
  EXPECT_EQ(cut({3, 9}, 7, TruncationStrategy::kOnlySecond), (PairLengths{3, 4}));
  const auto refused = truncate_pair({3, 9}, 7, TruncationStrategy::kOnlyFirst);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kInvalidArgument);
  EXPECT_FALSE(truncate_pair({9, 7}, 7, TruncationStrategy::kOnlyFirst).has_value()) << "nothing of it would stay";
}

TEST(Truncation, MakesWindowsFromEitherSide) {
  using Ranges = std::vector<TokenRange>;
  EXPECT_EQ(window_ranges(10, 4, 1, TruncationSide::kRight).value(), (Ranges{{0, 4}, {3, 7}, {6, 10}}));
  EXPECT_EQ(window_ranges(10, 4, 0, TruncationSide::kLeft).value(), (Ranges{{6, 10}, {2, 6}, {0, 2}}));
  EXPECT_EQ(window_ranges(11, 4, 2, TruncationSide::kRight).value().back(), (TokenRange{8, 11}));
  EXPECT_EQ(window_ranges(0, 4, 1, TruncationSide::kRight).value(), (Ranges{{0, 0}}));
  EXPECT_EQ(window_ranges(4, 4, 3, TruncationSide::kLeft).value(), (Ranges{{0, 4}}));
  EXPECT_EQ(window_ranges(size_t{1} << 30, 4096, 4095, TruncationSide::kRight).error().code, StatusCode::kTooLarge);
}

}  // namespace
}  // namespace vivace
