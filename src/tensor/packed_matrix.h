// A weight matrix in the order in which matrix products read it.
//
// The columns (outputs) are cut into panels of `width`; panel p holds, for each `depth` inputs from first to last,
// those of its first column side by side, then those of the second, and so on. So a product streams each panel once,
// front to back, and every load is a whole, aligned vector. Columns past n and inputs past k are zeros.
//
// Weights are kept as fp32, as bf16 (rounded to nearest), or as int8: round(w · 127 / max|w|) of each column, with the
// column's scale max|w| / 127, or as int4 in groups (see four_bit_panel.h). A few inputs of an int8 or int4 matrix may
// stand aside, the outliers: the panels hold zeros for them, and their weights are kept as fp32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/aligned_buffer.h"
#include "tensor/dtype.h"
#include "tensor/shared_pages.h"

namespace vivace {

struct PanelLayout {
  DType dtype = DType::kF32;  // or kBF16, kI8, kI4
  int width = 0;
  int depth = 1;
  // Whole numbers, with a scale for each column.
  bool is_quantized() const { return dtype == DType::kI8 || dtype == DType::kI4; }
  bool operator==(const PanelLayout&) const = default;
};

class PackedMatrix {
 public:
  PackedMatrix() = default;
  // For k inputs and n outputs; pack_rows() is to fill all of them. Outliers (see are_outliers()) only of
  // int8 and int4. pages: where its panels are to lie; nullptr: by themselves.
  PackedMatrix(int k, int n, PanelLayout layout, std::span<const int32_t> outliers = {}, SharedPages* pages = nullptr);
  // Of fp32.
  PackedMatrix(int k, int n, int panel_width) : PackedMatrix(k, n, PanelLayout{.width = panel_width}) {}
  // Around what another one of these sizes held.
  struct Parts {
    AlignedBuffer<std::byte> data;
    AlignedBuffer<float> scales;
    AlignedBuffer<int32_t> offsets;
    AlignedBuffer<int32_t> outliers;
    AlignedBuffer<float> outlier_weights;
  };
  PackedMatrix(int k, int n, PanelLayout layout, Parts parts);
  // Bytes of the data, and entries of scales and offsets, of such a matrix.
  static size_t data_bytes(int k, int n, PanelLayout layout);
  static size_t column_entries(int n, PanelLayout layout);
  // At most kMostOutliers, ascending, each an input of k.
  static bool are_outliers(std::span<const int32_t> inputs, int k);
  static constexpr size_t kMostOutliers = 64;

  // Copies `rows` outputs of k weights each (row-major, as checkpoints store a linear layer) to the columns from
  // first_column on.
  void pack_rows(const float* weights, int rows, int first_column);

  // Other whole numbers for an output of an int8 matrix, k of them, zeros for outliers; its scale stays.
  void set_integers(int output, std::span<const int8_t> integers);

  // The k weights of one output, as they are multiplied.
  void unpack_row(int output, float* weights) const;

  // Those of a panel's columns, as they are multiplied: [k, width], zeros in columns past n. Not of int4.
  void unpack_panel(int index, float* weights) const;

  const float* panel(int index) const { return reinterpret_cast<const float*>(panel_data(index)); }  // of fp32
  const std::byte* panel_data(int index) const;
  // int8, int4: of each column, [panels · width]; nullptr: another dtype.
  const float* scales() const { return m_parts.scales.data(); }
  // int8, int4: minus the sum of each column's weights, as whole numbers.
  const int32_t* offsets() const { return m_parts.offsets.data(); }
  std::span<const int32_t> outliers() const { return {m_parts.outliers.data(), m_parts.outliers.size()}; }
  // Of each outlier, those of all columns, [panels · width].
  const float* outlier_weights() const { return m_parts.outlier_weights.data(); }
  int k() const { return m_k; }
  int n() const { return m_n; }
  const PanelLayout& layout() const { return m_layout; }
  DType dtype() const { return m_layout.dtype; }
  int panel_width() const { return m_layout.width; }
  int panels() const { return m_layout.width == 0 ? 0 : (m_n + m_layout.width - 1) / m_layout.width; }
  size_t bytes() const {
    return m_parts.data.bytes() + m_parts.scales.bytes() + m_parts.offsets.bytes() + m_parts.outliers.bytes() +
           m_parts.outlier_weights.bytes();
  }
  const Parts& parts() const { return m_parts; }

 private:
  template <typename T, typename Convert>
  void pack_converted(const float* weights, int rows, int first_column, Convert convert);
  void quantize_rows(const float* weights, int rows, int first_column);
  void quantize_columns_to_8_bits(const float* weights, int rows, int first_column);
  void quantize_columns_to_4_bits(const float* weights, int rows, int first_column);
  float quantized_weight(int output, int input) const;
  template <typename T, typename Convert>
  void unpack_converted(int index, float* weights, Convert convert) const;
  // Keeps the outliers' weights and returns the others, with zeros for them.
  std::vector<float> set_outliers_aside(const float* weights, int rows, int first_column);
  // Index of an input of an output, counted in values.
  size_t position(int output, int input) const;
  int m_k = 0;
  int m_n = 0;
  PanelLayout m_layout;
  Parts m_parts;
};

}  // namespace vivace
