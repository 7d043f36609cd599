// A weight matrix in the order in which matrix products read it.
//
// The columns (outputs) are cut into panels of `panel_width`; panel p holds, for each input k from first to last, the
// panel_width weights of its columns side by side. So a product streams each panel once, front to back, and every load
// is a whole, aligned vector. Columns past n are zeros.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/aligned_buffer.h"

namespace vivace {

class PackedMatrix {
 public:
  PackedMatrix() = default;
  // Zero-filled, for k inputs and n outputs.
  PackedMatrix(int k, int n, int panel_width);

  // Copies `rows` outputs of k weights each (row-major, as checkpoints store a linear layer) to the columns from
  // first_column on.
  void pack_rows(const float* weights, int rows, int first_column);

  // Copies the k weights of one output.
  void unpack_row(int output, float* weights) const;

  const float* panel(int index) const { return m_data.data() + panel_floats() * static_cast<size_t>(index); }
  int k() const { return m_k; }
  int n() const { return m_n; }
  int panel_width() const { return m_panel_width; }
  int panels() const { return m_panel_width == 0 ? 0 : (m_n + m_panel_width - 1) / m_panel_width; }
  size_t bytes() const { return m_data.bytes(); }

 private:
  size_t panel_floats() const { return static_cast<size_t>(m_k) * static_cast<size_t>(m_panel_width); }
  int m_k = 0;
  int m_n = 0;
  int m_panel_width = 0;
  AlignedBuffer<float> m_data;
};

}  // namespace vivace
