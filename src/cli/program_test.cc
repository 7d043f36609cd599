#include "cli/program.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

const std::vector<std::string> kVerbs = {"embed", "tokenize", "inspect", "models", "serve"};

TEST(NearestNameTest, ForgivesSlips) {
  EXPECT_EQ(nearest_name("embd", kVerbs), "embed");
  EXPECT_EQ(nearest_name("tokenise", kVerbs), "tokenize");
  EXPECT_EQ(nearest_name("sreve", kVerbs), "serve");
}

TEST(NearestNameTest, TakesBeginnings) {
  EXPECT_EQ(nearest_name("tok", kVerbs), "tokenize");
  EXPECT_EQ(nearest_name("mod", kVerbs), "models");
}

TEST(NearestNameTest, KnowsWhenNothingIsMeant) {
  EXPECT_EQ(nearest_name("xylophone", kVerbs), "");
  EXPECT_EQ(nearest_name("zzz", kVerbs), "");
  EXPECT_EQ(nearest_name("embed", {}), "");
}

}  // namespace
}  // namespace vivace
