#include "tensor/packed_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "tensor/bfloat16.h"
#include "tensor/four_bit_panel.h"

namespace vivace {
namespace {

constexpr float kLargestInteger = 127.0F;

// To the nearest whole number, ties to even, for |x| below 2^22. Unlike std::nearbyint it is no call.
float round_to_even(float x) {
  constexpr float kWholeNumbersOnly = 12582912.0F;  // 1.5 · 2^23: floats of this size have no fraction
  return (x + kWholeNumbersOnly) - kWholeNumbersOnly;
}

size_t panel_values(int k, PanelLayout layout) {
  const int steps = (k + layout.depth - 1) / layout.depth;
  return static_cast<size_t>(steps) * static_cast<size_t>(layout.depth) * static_cast<size_t>(layout.width);
}

size_t panel_bytes(int k, PanelLayout layout) {
  if (layout.dtype == DType::kI4) return four_bit_panel_bytes(k, layout.width);
  return panel_values(k, layout) * dtype_size(layout.dtype);
}

// Whose weights are not changed, unless the data are.
FourBitPanel four_bit_panel(const std::byte* data, int k, PanelLayout layout) {
  return {const_cast<std::byte*>(data), k, layout.width, layout.depth};
}

}  // namespace

size_t PackedMatrix::column_entries(int n, PanelLayout layout) {
  return static_cast<size_t>((n + layout.width - 1) / layout.width) * static_cast<size_t>(layout.width);
}

size_t PackedMatrix::data_bytes(int k, int n, PanelLayout layout) {
  return panel_bytes(k, layout) * (column_entries(n, layout) / static_cast<size_t>(layout.width));
}

bool PackedMatrix::are_outliers(std::span<const int32_t> inputs, int k) {
  const bool ascending = std::ranges::adjacent_find(inputs, std::greater_equal<>()) == inputs.end();
  return inputs.size() <= kMostOutliers && ascending && (inputs.empty() || (inputs.front() >= 0 && inputs.back() < k));
}

PackedMatrix::PackedMatrix(int k, int n, PanelLayout layout, std::span<const int32_t> outliers, SharedPages* pages)
    : m_k(k), m_n(n), m_layout(layout) {
  CHECK(k > 0 && n > 0 && layout.width > 0 && layout.depth > 0);
  CHECK(outliers.empty() || (layout.is_quantized() && are_outliers(outliers, k)));
  const size_t bytes = data_bytes(k, n, layout);
  m_parts.data = pages != nullptr ? pages->allocate(bytes) : AlignedBuffer<std::byte>(bytes);
  // 4-bit weights are put together in bytes that were zeros.
  const bool whole = layout.dtype != DType::kI4 && n % layout.width == 0 && k % layout.depth == 0;
  // What packing will not write: the rest of the last panel, or of each one's last step.
  if (!whole) std::memset(m_parts.data.data(), 0, m_parts.data.bytes());
  if (!layout.is_quantized()) return;
  m_parts.scales = AlignedBuffer<float>(column_entries(n, layout));
  m_parts.offsets = AlignedBuffer<int32_t>(column_entries(n, layout));
  std::fill_n(m_parts.scales.data(), m_parts.scales.size(), 0.0F);
  std::fill_n(m_parts.offsets.data(), m_parts.offsets.size(), 0);
  if (outliers.empty()) return;
  m_parts.outliers = AlignedBuffer<int32_t>(outliers.size());
  std::ranges::copy(outliers, m_parts.outliers.data());
  m_parts.outlier_weights = AlignedBuffer<float>(outliers.size() * column_entries(n, layout));
  std::fill_n(m_parts.outlier_weights.data(), m_parts.outlier_weights.size(), 0.0F);
}

PackedMatrix::PackedMatrix(int k, int n, PanelLayout layout, Parts parts)
    : m_k(k), m_n(n), m_layout(layout), m_parts(std::move(parts)) {
  const size_t entries = layout.is_quantized() ? column_entries(n, layout) : 0;
  CHECK(m_parts.data.bytes() == data_bytes(k, n, layout));
  CHECK(m_parts.scales.size() == entries && m_parts.offsets.size() == entries);
  CHECK(are_outliers(outliers(), k) && m_parts.outlier_weights.size() == m_parts.outliers.size() * entries);
}

size_t PackedMatrix::position(int output, int input) const {
  const auto width = static_cast<size_t>(m_layout.width);
  const auto depth = static_cast<size_t>(m_layout.depth);
  const size_t panel = static_cast<size_t>(output) / width * panel_values(m_k, m_layout);
  return panel + static_cast<size_t>(input) / depth * width * depth + static_cast<size_t>(output) % width * depth +
         static_cast<size_t>(input) % depth;
}

const std::byte* PackedMatrix::panel_data(int index) const {
  return m_parts.data.data() + panel_bytes(m_k, m_layout) * static_cast<size_t>(index);
}

template <typename T, typename Convert>
void PackedMatrix::pack_converted(const float* weights, int rows, int first_column, Convert convert) {
  const auto k_count = static_cast<size_t>(m_k);
  const auto depth = static_cast<size_t>(m_layout.depth);
  const size_t step = static_cast<size_t>(m_layout.width) * depth;
  for (int row = 0; row < rows;) {
    const int column = first_column + row;
    const int count = std::min(rows - row, m_layout.width - column % m_layout.width);
    T* target = reinterpret_cast<T*>(m_parts.data.data()) + position(column, 0);
    const float* source = weights + static_cast<size_t>(row) * k_count;
    // k outside: the writes are sequential, and the lines of the `count` source rows stay in L1 for 16 steps of k.
    for (size_t k = 0; k < k_count; ++k) {
      T* to = target + k / depth * step + k % depth;
      for (size_t j = 0; j < static_cast<size_t>(count); ++j) to[j * depth] = convert(source[j * k_count + k], row + j);
    }
    row += count;
  }
}

std::vector<float> PackedMatrix::set_outliers_aside(const float* weights, int rows, int first_column) {
  const auto k_count = static_cast<size_t>(m_k);
  const size_t entries = column_entries(m_n, m_layout);
  std::vector<float> others(weights, weights + static_cast<size_t>(rows) * k_count);
  for (size_t i = 0; i < m_parts.outliers.size(); ++i) {
    const auto input = static_cast<size_t>(m_parts.outliers.data()[i]);
    float* kept = m_parts.outlier_weights.data() + i * entries + first_column;
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      kept[row] = std::exchange(others[row * k_count + input], 0.0F);
    }
  }
  return others;
}

void PackedMatrix::quantize_rows(const float* weights, int rows, int first_column) {
  std::vector<float> others;
  if (!outliers().empty()) {
    others = set_outliers_aside(weights, rows, first_column);
    weights = others.data();
  }
  if (m_layout.dtype == DType::kI4) {
    quantize_columns_to_4_bits(weights, rows, first_column);
  } else {
    quantize_columns_to_8_bits(weights, rows, first_column);
  }
}

void PackedMatrix::quantize_columns_to_4_bits(const float* weights, int rows, int first_column) {
  for (int row = 0; row < rows; ++row) {
    const int column = first_column + row;
    const FourBitPanel panel = four_bit_panel(panel_data(column / m_layout.width), m_k, m_layout);
    const FourBitColumn made =
        pack_four_bits(weights + static_cast<ptrdiff_t>(row) * m_k, panel, column % m_layout.width);
    m_parts.scales.data()[column] = made.scale;
    m_parts.offsets.data()[column] = made.offset;
  }
}

void PackedMatrix::quantize_columns_to_8_bits(const float* weights, int rows, int first_column) {
  std::vector<float> inverse(static_cast<size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    const float* w = weights + static_cast<ptrdiff_t>(row) * m_k;
    float largest = 0;
    for (int k = 0; k < m_k; ++k) largest = std::max(largest, std::abs(w[k]));
    const auto column = static_cast<size_t>(first_column + row);
    m_parts.scales.data()[column] = largest / kLargestInteger;
    const bool is_zero = !std::isnormal(kLargestInteger / largest);
    const float factor = is_zero ? 0.0F : kLargestInteger / largest;
    inverse[static_cast<size_t>(row)] = factor;
    int32_t sum = 0;
    for (int k = 0; k < m_k; ++k) sum += static_cast<int32_t>(round_to_even(w[k] * factor));
    m_parts.offsets.data()[column] = -sum;
  }
  pack_converted<int8_t>(weights, rows, first_column,
                         [&](float w, size_t row) { return static_cast<int8_t>(round_to_even(w * inverse[row])); });
}

void PackedMatrix::pack_rows(const float* weights, int rows, int first_column) {
  CHECK(first_column >= 0 && first_column + rows <= m_n);
  switch (m_layout.dtype) {
    case DType::kBF16:
      return pack_converted<uint16_t>(weights, rows, first_column, [](float w, size_t) { return to_bf16(w); });
    case DType::kI8:
    case DType::kI4: return quantize_rows(weights, rows, first_column);
    default: return pack_converted<float>(weights, rows, first_column, [](float w, size_t) { return w; });
  }
}

void PackedMatrix::set_integers(int output, std::span<const int8_t> integers) {
  CHECK(m_layout.dtype == DType::kI8 && output >= 0 && output < m_n && integers.size() == static_cast<size_t>(m_k));
  auto* data = reinterpret_cast<int8_t*>(m_parts.data.data());
  int32_t sum = 0;
  for (int k = 0; k < m_k; ++k) {
    const int8_t integer = integers[static_cast<size_t>(k)];
    data[position(output, k)] = integer;
    sum += integer;
  }
  m_parts.offsets.data()[output] = -sum;
}

float PackedMatrix::quantized_weight(int output, int input) const {
  const float scale = m_parts.scales.data()[output];
  if (m_layout.dtype == DType::kI8) {
    return static_cast<float>(reinterpret_cast<const int8_t*>(m_parts.data.data())[position(output, input)]) * scale;
  }
  const FourBitPanel panel = four_bit_panel(panel_data(output / m_layout.width), m_k, m_layout);
  return static_cast<float>(four_bit_weight(panel, output % m_layout.width, input)) * scale;
}

void PackedMatrix::unpack_row(int output, float* weights) const {
  CHECK(output >= 0 && output < m_n);
  const std::byte* data = m_parts.data.data();
  for (int k = 0; k < m_k; ++k) {
    switch (m_layout.dtype) {
      case DType::kBF16: weights[k] = from_bf16(reinterpret_cast<const uint16_t*>(data)[position(output, k)]); break;
      case DType::kI8:
      case DType::kI4: weights[k] = quantized_weight(output, k); break;
      default: weights[k] = reinterpret_cast<const float*>(data)[position(output, k)];
    }
  }
  for (size_t i = 0; i < m_parts.outliers.size(); ++i) {
    const auto column = static_cast<size_t>(output);
    weights[outliers()[i]] = m_parts.outlier_weights.data()[i * column_entries(m_n, m_layout) + column];
  }
}

template <typename T, typename Convert>
void PackedMatrix::unpack_converted(int index, float* weights, Convert convert) const {
  const auto width = static_cast<size_t>(m_layout.width);
  const auto depth = static_cast<size_t>(m_layout.depth);
  const T* panel = reinterpret_cast<const T*>(panel_data(index));
  for (size_t k = 0; k < static_cast<size_t>(m_k); ++k) {
    const T* from = panel + k / depth * width * depth + k % depth;
    for (size_t j = 0; j < width; ++j) *weights++ = convert(from[j * depth], j);
  }
}

void PackedMatrix::unpack_panel(int index, float* weights) const {
  CHECK(index >= 0 && index < panels() && m_layout.dtype != DType::kI4);
  const ptrdiff_t first = static_cast<ptrdiff_t>(index) * m_layout.width;
  switch (m_layout.dtype) {
    case DType::kBF16:
      unpack_converted<uint16_t>(index, weights, [](uint16_t w, size_t) { return from_bf16(w); });
      break;
    case DType::kI8: {
      const float* scale = scales() + first;
      unpack_converted<int8_t>(index, weights, [&](int8_t w, size_t j) { return static_cast<float>(w) * scale[j]; });
      break;
    }
    default: unpack_converted<float>(index, weights, [](float w, size_t) { return w; });
  }
  for (size_t i = 0; i < m_parts.outliers.size(); ++i) {
    const float* row = m_parts.outlier_weights.data() + i * column_entries(m_n, m_layout) + first;
    std::copy_n(row, m_layout.width, weights + static_cast<ptrdiff_t>(outliers()[i]) * m_layout.width);
  }
}

}  // namespace vivace
