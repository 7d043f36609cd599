// Panels of 4-bit weights. The inputs of a column are cut into groups of kFourBitGroup; a weight is
//   scale · factor · q   with the column's scale, the group's factor in 8 bits, and q in -8 … 7.
// Both are whole numbers, so products of them add up exactly. A panel holds the factors of each group's columns, padded
// to 64 bytes, and then the weights, two in a byte: within a group the byte of step s, column j and d < depth has the
// inputs s·2·depth + d (low half) and s·2·depth + depth + d.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vivace {

constexpr int kFourBitGroup = 32;

struct FourBitPanel {
  std::byte* data;
  int k;      // inputs
  int width;  // columns
  int depth;
};

size_t four_bit_panel_bytes(int k, int width);

struct FourBitColumn {
  float scale = 0;
  int32_t offset = 0;  // minus the sum of factor · q
};

// Writes the k weights of one column into a panel that was all zeros. The largest of a group has q = -8.
FourBitColumn pack_four_bits(const float* weights, const FourBitPanel& panel, int column);

// factor · q of one weight.
int four_bit_weight(const FourBitPanel& panel, int column, int input);

}  // namespace vivace
