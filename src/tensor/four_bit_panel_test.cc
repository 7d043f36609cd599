#include "tensor/four_bit_panel.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

struct Panel {
  Panel(int k, int width, int depth) : bytes(four_bit_panel_bytes(k, width)), panel{bytes.data(), k, width, depth} {}
  std::vector<std::byte> bytes;
  FourBitPanel panel;
};

std::vector<float> random_weights(int k, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> weights(static_cast<size_t>(k));
  for (float& w : weights) w = normal(random);
  return weights;
}

// Each weight is within half a step of its group, but for the one end where the last step is missing.
TEST(FourBitPanelTest, WeightsAreNearWhatWasPacked) {
  for (const int depth : {1, 2, 4}) {
    for (const int k : {1, 5, 31, 32, 33, 64, 100}) {
      Panel made(k, 16, depth);
      std::vector<std::vector<float>> columns;
      std::vector<FourBitColumn> packed;
      for (int j = 0; j < 16; ++j) {
        columns.push_back(random_weights(k, static_cast<uint32_t>(j)));
        packed.push_back(pack_four_bits(columns.back().data(), made.panel, j));
      }
      for (int j = 0; j < 16; ++j) {
        int32_t sum = 0;
        for (int i = 0; i < k; ++i) {
          const int whole = four_bit_weight(made.panel, j, i);
          sum += whole;
          const int first = i / kFourBitGroup * kFourBitGroup;
          float largest = 0;
          for (int g = first; g < std::min(k, first + kFourBitGroup); ++g) {
            largest = std::max(largest, std::abs(columns[static_cast<size_t>(j)][static_cast<size_t>(g)]));
          }
          const float scale = packed[static_cast<size_t>(j)].scale;
          const float step = largest / 8 + scale;  // factors are rounded up
          const float w = columns[static_cast<size_t>(j)][static_cast<size_t>(i)];
          const bool at_the_end = std::abs(w) > largest * 7.4F / 8;
          EXPECT_NEAR(static_cast<float>(whole) * scale, w, at_the_end ? step * 1.001F : step * 0.501F)
              << k << " " << j << " " << i;
        }
        EXPECT_EQ(packed[static_cast<size_t>(j)].offset, -sum);
      }
    }
  }
}

// No two weights share their bits: changing one changes no other.
TEST(FourBitPanelTest, EveryWeightHasItsPlace) {
  for (const int depth : {1, 2, 4}) {
    constexpr int kInputs = 70;
    for (int input = 0; input < kInputs; ++input) {
      Panel made(kInputs, 16, depth);
      std::vector<float> weights(kInputs);
      weights[static_cast<size_t>(input)] = 3.0F;
      const FourBitColumn column = pack_four_bits(weights.data(), made.panel, input % 16);
      for (int j = 0; j < 16; ++j) {
        for (int i = 0; i < kInputs; ++i) {
          const float expected = i == input && j == input % 16 ? 3.0F : 0.0F;
          ASSERT_NEAR(static_cast<float>(four_bit_weight(made.panel, j, i)) * column.scale, expected, 1e-5F);
        }
      }
    }
  }
}

TEST(FourBitPanelTest, WhatHasNoScaleIsZero) {
  for (const float w : {0.0F, 1e-42F, -1e-38F}) {
    Panel made(40, 16, 2);
    const std::vector<float> weights(40, w);
    EXPECT_EQ(pack_four_bits(weights.data(), made.panel, 3).scale, 0);
    EXPECT_TRUE(std::ranges::all_of(made.bytes, [](std::byte b) { return b == std::byte{0}; }));
  }
}

}  // namespace
}  // namespace vivace
