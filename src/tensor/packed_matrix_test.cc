#include "tensor/packed_matrix.h"

#include <gtest/gtest.h>

#include "tensor/arena.h"

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

}  // namespace
}  // namespace vivace
