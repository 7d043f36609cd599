#include "ops/input_recorder.h"

#include <algorithm>

#include "ops/linear.h"

namespace vivace {
namespace {

// [x.columns, x.rows]
AlignedBuffer<float> transposed(MatrixView<const float> x) {
  AlignedBuffer<float> columns(static_cast<size_t>(x.rows) * static_cast<size_t>(x.columns));
  for (int row = 0; row < x.rows; ++row) {
    float* to = columns.data() + row;
    for (int column = 0; column < x.columns; ++column) to[static_cast<ptrdiff_t>(column) * x.rows] = x.row(row)[column];
  }
  return columns;
}

}  // namespace

void InputRecorder::add_layer(const std::string& name, const PackedMatrix& weight) {
  if (weight.dtype() == DType::kF32 && weight.n() > 0) m_names[weight.panel_data(0)] = name;
}

void InputRecorder::record(const ExecutionContext& context, const PackedMatrix& weight, MatrixView<const float> x) {
  const auto name = m_names.find(weight.panel_data(0));
  if (name == m_names.end() || x.rows == 0) return;
  InputProducts& products = m_products[name->second];
  if (products.rows == 0) {
    products.inputs = x.columns;
    products.sums = AlignedBuffer<float>(static_cast<size_t>(x.columns) * static_cast<size_t>(x.columns));
    std::fill_n(products.sums.data(), products.sums.size(), 0.0F);
  }
  CHECK(products.inputs == x.columns);
  products.rows += static_cast<size_t>(x.rows);
  // A layer itself: the columns of x are its rows and its weights, the sums so far its residual.
  const AlignedBuffer<float> columns = transposed(x);
  Linear layer{PackedMatrix(x.rows, x.columns, context.kernels->f32_panel_width), {}};
  layer.weight.pack_rows(columns.data(), x.columns, 0);
  ExecutionContext unrecorded = context;
  unrecorded.recorder = nullptr;
  const MatrixView<float> sums{products.sums.data(), x.columns, x.columns, x.columns};
  const MatrixView<const float> before = sums;
  linear(unrecorded, MatrixView<const float>{columns.data(), x.columns, x.rows, x.rows}, layer, {.residual = &before},
         sums);
}

}  // namespace vivace
