#include "onnx/padded_groups.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

PackedBatch batch_of(const std::vector<int>& lengths) {
  PackedBatch batch;
  for (const int length : lengths) batch.append(std::vector<int32_t>(static_cast<size_t>(length), 1), {});
  return batch;
}

TEST(PaddedGroupsTest, EverySequenceOnceAndLittlePadding) {
  const std::vector<int> lengths = {300, 5, 1, 2, 17, 17, 16, 18, 64, 63, 1, 500, 4000, 33, 5};
  for (const PaddingRule rule : {PaddingRule::kLittle, PaddingRule::kNone, PaddingRule::kAlone}) {
    std::vector<int> seen;
    for (const PaddedGroup& group : cut_into_padded_groups(batch_of(lengths), rule, 512)) {
      int tokens = 0;
      for (const int i : group.sequences) {
        tokens += lengths[static_cast<size_t>(i)];
        EXPECT_LE(lengths[static_cast<size_t>(i)], group.longest);
        seen.push_back(i);
      }
      const int places = group.longest * static_cast<int>(group.sequences.size());
      EXPECT_LE(places * 8, tokens * 9);
      EXPECT_TRUE(rule == PaddingRule::kLittle || places == tokens);
      EXPECT_TRUE((rule != PaddingRule::kAlone && places <= 512) || group.sequences.size() == 1);
    }
    std::ranges::sort(seen);
    EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14));
  }
}

TEST(PaddedGroupsTest, LikeLengthsStandTogether) {
  EXPECT_EQ(cut_into_padded_groups(batch_of({16, 17, 16, 18, 17}), PaddingRule::kLittle, 2048).size(), 1U);
  EXPECT_EQ(cut_into_padded_groups(batch_of({16, 17, 16, 18, 17}), PaddingRule::kNone, 2048).size(), 3U);
  EXPECT_EQ(cut_into_padded_groups(batch_of({16, 17, 16, 18, 17}), PaddingRule::kAlone, 2048).size(), 5U);
}

}  // namespace
}  // namespace vivace
