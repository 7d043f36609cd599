#include "tensor/packed_matrix.h"

#include <algorithm>

#include "base/check.h"

namespace vivace {

PackedMatrix::PackedMatrix(int k, int n, int panel_width) : m_k(k), m_n(n), m_panel_width(panel_width) {
  CHECK(k > 0 && n > 0 && panel_width > 0);
  m_data = AlignedBuffer<float>(panel_floats() * static_cast<size_t>(panels()));
  // The columns that packing will not write.
  if (n % panel_width != 0)
    std::fill_n(m_data.data() + panel_floats() * static_cast<size_t>(panels() - 1), panel_floats(), 0.0F);
}

void PackedMatrix::pack_rows(const float* weights, int rows, int first_column) {
  CHECK(first_column >= 0 && first_column + rows <= m_n);
  const auto k_count = static_cast<size_t>(m_k);
  const auto width = static_cast<size_t>(m_panel_width);
  for (int row = 0; row < rows;) {
    const int column = first_column + row;
    const int lane = column % m_panel_width;
    const int count = std::min(rows - row, m_panel_width - lane);
    float* target = m_data.data() + panel_floats() * static_cast<size_t>(column / m_panel_width) + lane;
    const float* source = weights + static_cast<size_t>(row) * k_count;
    // k outside: the writes are sequential, and the lines of the `count` source rows stay in L1 for 16 steps of k.
    for (size_t k = 0; k < k_count; ++k) {
      for (size_t j = 0; j < static_cast<size_t>(count); ++j) target[k * width + j] = source[j * k_count + k];
    }
    row += count;
  }
}

void PackedMatrix::unpack_row(int output, float* weights) const {
  CHECK(output >= 0 && output < m_n);
  const float* source = panel(output / m_panel_width) + output % m_panel_width;
  for (int k = 0; k < m_k; ++k) weights[k] = source[static_cast<ptrdiff_t>(k) * m_panel_width];
}

}  // namespace vivace
