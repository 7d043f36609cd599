#include "heads/pooling.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace vivace {
namespace {

void sum_rows(const KernelTable& kernels, MatrixView<const float> tokens, std::span<float> out) {
  std::ranges::fill(out, 0.0F);
  for (int row = 0; row < tokens.rows; ++row) kernels.add_f32(tokens.row(row), out.data(), out.size());
}

void max_rows(MatrixView<const float> tokens, std::span<float> out) {
  std::copy_n(tokens.row(0), out.size(), out.begin());
  for (int row = 1; row < tokens.rows; ++row) {
    const float* values = tokens.row(row);
    for (size_t i = 0; i < out.size(); ++i) out[i] = std::max(out[i], values[i]);
  }
}

// Row i counts i + 1 times.
void weighted_mean_rows(const KernelTable& kernels, MatrixView<const float> tokens, std::span<float> out) {
  std::ranges::fill(out, 0.0F);
  for (int row = 0; row < tokens.rows; ++row) {
    const float* values = tokens.row(row);
    const auto weight = static_cast<float>(row + 1);
    for (size_t i = 0; i < out.size(); ++i) out[i] += weight * values[i];
  }
  const auto rows = static_cast<float>(tokens.rows);
  kernels.scale_f32(2.0F / (rows * (rows + 1)), out.data(), out.size());
}

}  // namespace

void pool_tokens(const KernelTable& kernels, MatrixView<const float> tokens, PoolingMode mode, std::span<float> out) {
  const auto columns = static_cast<size_t>(tokens.columns);
  CHECK(tokens.rows >= 1);
  CHECK(out.size() == (mode == PoolingMode::kNone ? columns * static_cast<size_t>(tokens.rows) : columns));
  switch (mode) {
    case PoolingMode::kMean:
      sum_rows(kernels, tokens, out);
      kernels.scale_f32(1.0F / static_cast<float>(tokens.rows), out.data(), out.size());
      return;
    case PoolingMode::kMeanSqrtLength:
      sum_rows(kernels, tokens, out);
      kernels.scale_f32(1.0F / std::sqrt(static_cast<float>(tokens.rows)), out.data(), out.size());
      return;
    case PoolingMode::kWeightedMean: weighted_mean_rows(kernels, tokens, out); return;
    case PoolingMode::kMax: max_rows(tokens, out); return;
    case PoolingMode::kCls: std::copy_n(tokens.row(0), columns, out.begin()); return;
    case PoolingMode::kLast: std::copy_n(tokens.row(tokens.rows - 1), columns, out.begin()); return;
    case PoolingMode::kNone:
      for (int row = 0; row < tokens.rows; ++row) {
        std::copy_n(tokens.row(row), columns, out.begin() + static_cast<ptrdiff_t>(columns) * row);
      }
      return;
  }
}

void normalize_l2(const KernelTable& kernels, std::span<float> vector) {
  const float norm = std::sqrt(kernels.dot_f32(vector.data(), vector.data(), vector.size()));
  kernels.scale_f32(1.0F / std::max(norm, 1e-12F), vector.data(), vector.size());
}

}  // namespace vivace
