#include "engine/batch_packer.h"

#include <gmock/gmock.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;

TokenSequence sequence(std::vector<int32_t> ids, std::vector<int32_t> type_ids = {}) {
  TokenSequence made;
  made.ids = std::move(ids);
  made.type_ids = std::move(type_ids);
  return made;
}

TEST(BatchPacker, EqualSequencesShareAPlace) {
  BatchPacker packer;
  EXPECT_EQ(packer.add(sequence({1, 2})), 0);
  EXPECT_EQ(packer.add(sequence({1, 2, 3})), 1);
  EXPECT_EQ(packer.add(sequence({1, 2})), 0);
  EXPECT_EQ(packer.add(sequence({2, 1})), 2);
  EXPECT_EQ(packer.add(sequence({1, 2, 3})), 1);
  EXPECT_THAT(packer.batch().ids, ElementsAre(1, 2, 1, 2, 3, 2, 1));
  EXPECT_THAT(packer.batch().offsets, ElementsAre(0, 2, 5, 7));
  packer.clear();
  EXPECT_EQ(packer.add(sequence({2, 1})), 0);
  EXPECT_EQ(packer.batch().sequences(), 1);
}

TEST(BatchPacker, SegmentsTellSequencesApart) {
  BatchPacker packer;
  EXPECT_EQ(packer.add(sequence({1, 2}, {0, 1})), 0);
  EXPECT_EQ(packer.add(sequence({1, 2}, {0, 0})), 1);
  EXPECT_EQ(packer.add(sequence({1, 2})), 1);
  EXPECT_EQ(packer.add(sequence({1, 2}, {0, 1})), 0);
}

TEST(BatchPacker, MarkedSequencesStandAlone) {
  BatchPacker packer;
  EXPECT_EQ(packer.add_marked(sequence({1, 2, 3}), {1}), 0);
  EXPECT_EQ(packer.add_marked(sequence({1, 2, 3}), {0, 2}), 1);
  EXPECT_THAT(packer.batch().marked, ElementsAre(1, 3, 5));
}

}  // namespace
}  // namespace vivace
