#include "heads/ngram_drafter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NgramDrafter, FollowsTheLongestMatch) {
  NgramDrafter drafter(std::vector<int32_t>{1, 2, 3, 9, 8, 7, 2, 3, 4, 4, 4});
  EXPECT_THAT(drafter.propose(3), ElementsAre(4)) << "the run of fours may go on";
  drafter.append(1);
  drafter.append(2);
  drafter.append(3);
  EXPECT_THAT(drafter.propose(3), ElementsAre(9, 8, 7)) << "1 2 3 beats the later 2 3";
  EXPECT_THAT(drafter.propose(1), ElementsAre(9));
  EXPECT_THAT(drafter.propose(0), IsEmpty());
  drafter.append(5);
  EXPECT_THAT(drafter.propose(3), IsEmpty()) << "3 5 never occurred";
}

TEST(NgramDrafter, LatestOfEqualMatchesWins) {
  NgramDrafter drafter(std::vector<int32_t>{1, 2, 5, 1, 2, 6, 1, 2});
  EXPECT_THAT(drafter.propose(1), ElementsAre(6));
}

TEST(NgramDrafter, OneTokenIsNoMatch) {
  NgramDrafter drafter(std::vector<int32_t>{});
  EXPECT_THAT(drafter.propose(4), IsEmpty());
  drafter.append(3);
  EXPECT_THAT(drafter.propose(4), IsEmpty());
  drafter.append(3);
  EXPECT_THAT(drafter.propose(4), IsEmpty());
  drafter.append(3);
  EXPECT_THAT(drafter.propose(4), ElementsAre(3));
}

}  // namespace
}  // namespace vivace
