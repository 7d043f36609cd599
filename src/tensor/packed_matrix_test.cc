#include "tensor/packed_matrix.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tensor/arena.h"
#include "tensor/bfloat16.h"

namespace vivace {
namespace {

TEST(PackedMatrixTest, EveryWeightStandsInItsPanel) {
  constexpr int kWidth = 16;
  for (const int n : {1, 15, 16, 17, 40}) {
    for (const int k : {1, 3, 16}) {
      PackedMatrix packed(k, n, kWidth);
      std::vector<float> weights(static_cast<size_t>(n * k));
      for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i + 1);
      // In two parts whose border is inside a panel.
      const int first = n / 3;
      packed.pack_rows(weights.data(), first, 0);
      packed.pack_rows(weights.data() + first * k, n - first, first);
      for (int column = 0; column < packed.panels() * kWidth; ++column) {
        for (int i = 0; i < k; ++i) {
          const float expected = column < n ? weights[static_cast<size_t>(column * k + i)] : 0.0F;
          EXPECT_EQ(packed.panel(column / kWidth)[i * kWidth + column % kWidth], expected);
        }
      }
    }
  }
}

TEST(PackedMatrixTest, APanelIsUnpackedLikeItsColumns) {
  for (const PanelLayout layout : {PanelLayout{DType::kF32, 16, 1}, PanelLayout{DType::kBF16, 16, 2},
                                   PanelLayout{DType::kI8, 16, 1}, PanelLayout{DType::kI8, 64, 4}}) {
    constexpr int kColumns = 70;
    constexpr int kInputs = 33;
    const std::vector<int32_t> outliers = {0, 7, 32};
    PackedMatrix packed(kInputs, kColumns, layout,
                        layout.dtype == DType::kI8 ? std::span(outliers) : std::span<const int32_t>());
    std::vector<float> weights(kColumns * kInputs);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
    packed.pack_rows(weights.data(), kColumns, 0);
    std::vector<float> panel(static_cast<size_t>(kInputs * layout.width));
    std::vector<float> column(kInputs);
    for (int j = 0; j < packed.panels() * layout.width; ++j) {
      packed.unpack_panel(j / layout.width, panel.data());
      std::ranges::fill(column, 0.0F);
      if (j < kColumns) packed.unpack_row(j, column.data());
      for (int i = 0; i < kInputs; ++i) {
        ASSERT_EQ(panel[static_cast<size_t>(i * layout.width + j % layout.width)], column[static_cast<size_t>(i)]);
      }
    }
  }
}

TEST(PackedMatrixTest, LowPrecisionWeightsStandSideBySide) {
  for (const PanelLayout layout : {PanelLayout{DType::kBF16, 16, 1}, PanelLayout{DType::kBF16, 16, 2},
                                   PanelLayout{DType::kI8, 16, 2}, PanelLayout{DType::kI8, 64, 4}}) {
    for (const int n : {1, 16, 40}) {
      for (const int k : {1, 3, 8}) {
        PackedMatrix packed(k, n, layout);
        std::vector<float> weights(static_cast<size_t>(n * k));
        // Whole numbers up to 127, the largest of each row 127 itself: exact in every type, with a scale of 1.
        for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 127);
        for (int row = 0; row < n; ++row) weights[static_cast<size_t>(row * k + row % k)] = -127.0F;
        packed.pack_rows(weights.data(), n / 2, 0);
        packed.pack_rows(weights.data() + n / 2 * k, n - n / 2, n / 2);
        const int steps = (k + layout.depth - 1) / layout.depth;
        const auto value_at = [&](int column, int i) {
          const int at = (i / layout.depth * layout.width + column % layout.width) * layout.depth + i % layout.depth;
          const std::byte* panel = packed.panel_data(column / layout.width);
          return layout.dtype == DType::kI8 ? static_cast<float>(reinterpret_cast<const int8_t*>(panel)[at])
                                            : from_bf16(reinterpret_cast<const uint16_t*>(panel)[at]);
        };
        for (int column = 0; column < packed.panels() * layout.width; ++column) {
          float sum = 0;
          for (int i = 0; i < steps * layout.depth; ++i) {
            const float expected = column < n && i < k ? weights[static_cast<size_t>(column * k + i)] : 0.0F;
            EXPECT_EQ(value_at(column, i), expected);
            sum += expected;
          }
          if (layout.dtype != DType::kI8) continue;
          EXPECT_EQ(packed.scales()[column], column < n ? 1.0F : 0.0F);
          EXPECT_EQ(static_cast<float>(packed.offsets()[column]), -sum);
        }
        std::vector<float> row(static_cast<size_t>(k));
        packed.unpack_row(n - 1, row.data());
        EXPECT_TRUE(std::equal(row.begin(), row.end(), weights.end() - k));
      }
    }
  }
}

TEST(PackedMatrixTest, Int8WeightsAreWithinHalfAStep) {
  constexpr int kInputs = 50;
  PackedMatrix packed(kInputs, 3, {DType::kI8, 16, 4});
  std::vector<float> weights(3 * kInputs, 0.0F);  // of the last output nothing but zeros
  for (size_t i = 0; i < 2 * kInputs; ++i) weights[i] = std::sin(static_cast<float>(i)) * (i < kInputs ? 0.01F : 30.0F);
  packed.pack_rows(weights.data(), 3, 0);
  std::vector<float> row(kInputs);
  for (int output = 0; output < 3; ++output) {
    packed.unpack_row(output, row.data());
    for (size_t i = 0; i < kInputs; ++i) {
      EXPECT_LE(std::abs(row[i] - weights[static_cast<size_t>(output) * kInputs + i]),
                packed.scales()[output] * 0.5001F);
    }
  }
  EXPECT_EQ(packed.scales()[2], 0.0F);
}

TEST(PackedMatrixTest, OutliersStandAside) {
  constexpr int kInputs = 20;
  constexpr int kOutputs = 19;
  const std::vector<int32_t> outliers = {0, 7, 19};
  PackedMatrix packed(kInputs, kOutputs, {DType::kI8, 16, 2}, outliers);
  std::vector<float> weights(kInputs * kOutputs);
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool is_outlier = std::ranges::count(outliers, static_cast<int32_t>(i % kInputs)) > 0;
    weights[i] = std::sin(static_cast<float>(i)) * (is_outlier ? 100.0F : 0.5F);
  }
  packed.pack_rows(weights.data(), 5, 0);
  packed.pack_rows(weights.data() + 5 * kInputs, kOutputs - 5, 5);
  std::vector<float> row(kInputs);
  for (int output = 0; output < kOutputs; ++output) {
    EXPECT_LE(packed.scales()[output], 0.5F / 127);
    packed.unpack_row(output, row.data());
    for (size_t i = 0; i < kInputs; ++i) {
      const float weight = weights[static_cast<size_t>(output) * kInputs + i];
      const bool is_outlier = std::ranges::count(outliers, static_cast<int32_t>(i)) > 0;
      EXPECT_LE(std::abs(row[i] - weight), is_outlier ? 0.0F : packed.scales()[output] * 0.5001F);
    }
  }
  for (size_t i = 0; i < outliers.size(); ++i) {
    for (int column = kOutputs; column < 32; ++column) EXPECT_EQ(packed.outlier_weights()[i * 32 + column], 0.0F);
  }
}

TEST(PackedMatrixTest, OutliersAreAscendingInputs) {
  EXPECT_TRUE(PackedMatrix::are_outliers({}, 1));
  const auto valid = [](std::vector<int32_t> inputs) { return PackedMatrix::are_outliers(inputs, 10); };
  EXPECT_TRUE(valid({0}) && valid({9}) && valid({0, 3, 9}));
  EXPECT_FALSE(valid({10}) || valid({-1}) || valid({3, 3}) || valid({4, 3}));
  std::vector<int32_t> many(PackedMatrix::kMostOutliers + 1);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_FALSE(PackedMatrix::are_outliers(many, 1000));
}

TEST(BFloat16Test, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3F808000U)), 0x3F80);  // a tie, down to even
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3F818000U)), 0x3F82);  // a tie, up to even
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3F808001U)), 0x3F81);
  EXPECT_EQ(to_bf16(-INFINITY), 0xFF80);
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7FFFFFFFU)))));
  EXPECT_EQ(from_bf16(0xC000), -2.0F);
}

TEST(ArenaTest, HandsOutAlignedMemoryThatDoesNotOverlap) {
  Arena arena;
  float* a = arena.floats(3);
  float* b = arena.floats(5);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % 64, 0U);
  EXPECT_GE(b - a, 3);
}

TEST(ArenaTest, BecomesOneBlockAfterAReset) {
  Arena arena;
  arena.floats(100'000);
  arena.floats(900'000);
  const size_t capacity = arena.capacity_bytes();
  arena.reset();
  const float* first = arena.floats(100'000);
  const float* second = arena.floats(900'000);
  EXPECT_EQ(arena.capacity_bytes(), capacity);
  EXPECT_EQ(second - first, 100'000);
}

TEST(ArenaTest, AScopeGivesItsMemoryBack) {
  Arena arena;
  arena.floats(16);
  float* inside = nullptr;
  {
    const Arena::Scope scope(arena);
    inside = arena.floats(160);
  }
  EXPECT_EQ(arena.floats(16), inside);
}

TEST(PackedMatrixTest, PanelsLieBesideEachOtherInSharedPages) {
  constexpr int kInputs = 3;
  constexpr int kOutputs = 5;
  const PanelLayout layout{.dtype = DType::kF32, .width = 16, .depth = 1};
  const std::vector<float> weights(kInputs * kOutputs, 2);
  SharedPages pages;
  PackedMatrix first(kInputs, kOutputs, layout, {}, &pages);
  PackedMatrix second(kInputs, kOutputs, layout, {}, &pages);
  first.pack_rows(weights.data(), kOutputs, 0);
  second.pack_rows(weights.data(), kOutputs, 0);
  if (kMapsMemory) {
    EXPECT_EQ(second.panel_data(0) - first.panel_data(0), 16 * kInputs * 4);
  }
  for (const PackedMatrix* matrix : {&first, &second}) {
    std::vector<float> row(kInputs);
    matrix->unpack_row(kOutputs - 1, row.data());
    EXPECT_EQ(row, std::vector<float>(kInputs, 2));
  }
}

}  // namespace
}  // namespace vivace
