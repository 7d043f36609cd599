#include "models/batch_forward.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

PackedBatch batch_of(std::initializer_list<int> lengths) {
  PackedBatch batch;
  for (const int length : lengths) batch.append(std::vector<int32_t>(static_cast<size_t>(length), 1), {});
  return batch;
}

std::vector<int> tokens_of(const std::vector<SequenceGroup>& groups) {
  std::vector<int> tokens;
  for (const auto& group : groups) tokens.push_back(group.tokens);
  return tokens;
}

TEST(PackedBatchTest, SequencesStandEndToEnd) {
  PackedBatch batch;
  batch.append({7, 8, 9}, {0, 0, 1});
  batch.append({5}, {});
  EXPECT_EQ(batch.ids, (std::vector<int32_t>{7, 8, 9, 5}));
  EXPECT_EQ(batch.positions, (std::vector<int32_t>{0, 1, 2, 0}));
  EXPECT_EQ(batch.type_ids, (std::vector<int32_t>{0, 0, 1, 0}));
  EXPECT_EQ(batch.offsets, (std::vector<int32_t>{0, 3, 4}));
  EXPECT_EQ(batch.longest, 3);
}

TEST(CutIntoGroupsTest, FillsGroupsAndKeepsTheOrder) {
  const auto groups = cut_into_groups(batch_of({50, 50, 50, 200, 10, 10}), 128);
  EXPECT_EQ(tokens_of(groups), (std::vector<int>{100, 50, 200, 20}));
  int next = 0;
  for (const auto& group : groups) {
    EXPECT_EQ(group.first, next);
    next = group.last;
  }
  EXPECT_EQ(next, 6);
}

TEST(GroupTokensTest, GiveEachThreadAGroupThatIsWorthIt) {
  EXPECT_EQ(group_tokens(112, 2), 56);
  EXPECT_EQ(group_tokens(113, 2), 57);
  EXPECT_EQ(group_tokens(20, 2), 24);
  EXPECT_EQ(group_tokens(400, 2), 128);
  EXPECT_EQ(group_tokens(100, 1), 100);
  const PackedBatch batch = batch_of({7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7});
  const auto groups = cut_into_groups(batch, group_tokens(batch.tokens(), 2));
  EXPECT_EQ(tokens_of(groups), (std::vector<int>{56, 56}));
  EXPECT_TRUE(groups_balance(groups, 2));
}

TEST(CutIntoGroupsTest, OneSequenceIsOneGroup) {
  EXPECT_EQ(tokens_of(cut_into_groups(batch_of({512}), 128)), (std::vector<int>{512}));
}

TEST(GroupsBalanceTest, OneSequenceOnTwoThreadsDoesNot) {
  EXPECT_FALSE(groups_balance(cut_into_groups(batch_of({16}), 128), 2));
  EXPECT_FALSE(groups_balance(cut_into_groups(batch_of({128, 128, 128}), 128), 2));
  EXPECT_FALSE(groups_balance(cut_into_groups(batch_of({500, 20, 20}), 128), 2));
}

TEST(GroupsBalanceTest, ManyEqualOnesDo) {
  EXPECT_TRUE(groups_balance(cut_into_groups(batch_of({128, 128, 128, 128}), 128), 2));
  EXPECT_TRUE(groups_balance(cut_into_groups(batch_of({100}), 128), 1));
}

}  // namespace
}  // namespace vivace
