#include "heads/pooling.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

std::vector<float> pool(std::vector<float> tokens, int rows, PoolingMode mode) {
  const int columns = static_cast<int>(tokens.size()) / rows;
  std::vector<float> out(mode == PoolingMode::kNone ? tokens.size() : static_cast<size_t>(columns));
  pool_tokens(kernel_table_generic, {tokens.data(), rows, columns, columns}, mode, out);
  return out;
}

TEST(PoolingTest, Modes) {
  const std::vector<float> tokens = {1, 2, 3, 4, 5, 9};
  EXPECT_EQ(pool(tokens, 3, PoolingMode::kMean), (std::vector<float>{3, 5}));
  EXPECT_EQ(pool(tokens, 3, PoolingMode::kCls), (std::vector<float>{1, 2}));
  EXPECT_EQ(pool(tokens, 3, PoolingMode::kLast), (std::vector<float>{5, 9}));
  EXPECT_EQ(pool(tokens, 3, PoolingMode::kMax), (std::vector<float>{5, 9}));
  EXPECT_EQ(pool({7, 2, 3, 4}, 2, PoolingMode::kMax), (std::vector<float>{7, 4}));
  EXPECT_EQ(pool(tokens, 3, PoolingMode::kNone), tokens);
  const std::vector<float> root = pool(tokens, 3, PoolingMode::kMeanSqrtLength);
  EXPECT_FLOAT_EQ(root[0], 9 / std::sqrt(3.0F));
  const std::vector<float> weighted = pool(tokens, 3, PoolingMode::kWeightedMean);
  EXPECT_FLOAT_EQ(weighted[0], (1 + 2 * 3 + 3 * 5) / 6.0F);
  EXPECT_FLOAT_EQ(weighted[1], (2 + 2 * 4 + 3 * 9) / 6.0F);
}

TEST(PoolingTest, OneToken) {
  for (const auto mode : {PoolingMode::kMean, PoolingMode::kCls, PoolingMode::kLast, PoolingMode::kMax,
                          PoolingMode::kMeanSqrtLength, PoolingMode::kWeightedMean, PoolingMode::kNone}) {
    EXPECT_EQ(pool({4, -2}, 1, mode), (std::vector<float>{4, -2}));
  }
}

TEST(PoolingTest, NormalizeGivesLengthOne) {
  std::vector<float> vector = {3, 4};
  normalize_l2(kernel_table_generic, vector);
  EXPECT_FLOAT_EQ(vector[0], 0.6F);
  EXPECT_FLOAT_EQ(vector[1], 0.8F);
}

TEST(PoolingTest, NormalizeLeavesZeroAlone) {
  std::vector<float> vector = {0, 0};
  normalize_l2(kernel_table_generic, vector);
  EXPECT_EQ(vector, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace vivace
