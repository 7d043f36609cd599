#include "ops/prepared_rows.h"

namespace vivace {
namespace {

// Fewer values than this are prepared sooner than other threads have heard of it.
constexpr int kValuesWorthSharing = 1 << 14;

}  // namespace

const LowPrecisionKernels& low_precision_kernels(const KernelTable& kernels, DType dtype) {
  CHECK(dtype == DType::kBF16 || dtype == DType::kI8 || dtype == DType::kI4);
  if (dtype == DType::kI4) return kernels.int4;
  return dtype == DType::kBF16 ? kernels.bf16 : kernels.int8;
}

int prepared_integer(const KernelTable& kernels, const PreparedRows& rows, int row, int column) {
  const ptrdiff_t at = row * rows.stride + column;
  if (kernels.int8.activation_bytes == 1) return reinterpret_cast<const uint8_t*>(rows.data)[at] - rows.zeros[row];
  return reinterpret_cast<const int16_t*>(rows.data)[at];
}

PreparedRows prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight) {
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, weight.dtype());
  CHECK(x.columns <= (weight.dtype() == DType::kI4 ? kMaxFourBitDepth : kMaxIntegerDepth));
  Arena& arena = context.scratch[0];
  const ptrdiff_t stride = (x.columns + kPreparedPadding - 1) / kPreparedPadding * kPreparedPadding;
  const size_t bytes = static_cast<size_t>(x.rows * stride) * static_cast<size_t>(kernels.activation_bytes);
  auto* data = reinterpret_cast<std::byte*>(arena.floats(bytes / sizeof(float)));
  float* scales = arena.floats(static_cast<size_t>(x.rows));
  static_assert(sizeof(int32_t) == sizeof(float) && alignof(int32_t) == alignof(float));
  auto* zeros = reinterpret_cast<int32_t*>(arena.floats(static_cast<size_t>(x.rows)));
  const auto outliers = static_cast<int>(weight.outliers().size());
  float* outlier_values = outliers == 0 ? nullptr : arena.floats(static_cast<size_t>(x.rows * outliers));
  const auto run = [&](Range rows) {
    kernels.prepare({.x = x.row(rows.begin),
                     .ldx = x.stride,
                     .out = data + rows.begin * stride * kernels.activation_bytes,
                     .ldo = stride,
                     .scales = scales + rows.begin,
                     .zeros = zeros + rows.begin,
                     .rows = rows.end - rows.begin,
                     .k = x.columns,
                     .outliers = weight.outliers().data(),
                     .outlier_values = outlier_values + static_cast<ptrdiff_t>(rows.begin) * outliers,
                     .outlier_count = outliers});
  };
  if (context.threads() == 1 || x.rows * x.columns < kValuesWorthSharing) {
    run({0, x.rows});
  } else {
    context.run([&](int thread) { run(split_range(x.rows, context.threads(), thread)); });
  }
  return {data, scales, zeros, outlier_values, stride};
}

}  // namespace vivace
