#include "ops/prepared_rows.h"

#include <algorithm>

namespace vivace {
namespace {

// Fewer values than this are prepared sooner than other threads have heard of it.
constexpr int kValuesWorthSharing = 1 << 14;

struct PreparedSize {
  int rows = 0;
  int columns = 0;
  int value_bytes = 0;
  int outliers = 0;  // of a row
};

PreparedRows allocate(Arena& arena, const PreparedSize& size) {
  CHECK(size.columns <= kMaxIntegerDepth);
  static_assert(sizeof(int32_t) == sizeof(float) && alignof(int32_t) == alignof(float));
  const auto rows = static_cast<size_t>(size.rows);
  PreparedRows memory;
  memory.stride = (size.columns + kPreparedPadding - 1) / kPreparedPadding * kPreparedPadding;
  memory.rows = size.rows;
  const size_t bytes = rows * static_cast<size_t>(memory.stride) * static_cast<size_t>(size.value_bytes);
  memory.data = reinterpret_cast<std::byte*>(arena.floats(bytes / sizeof(float)));
  memory.scales = arena.floats(rows);
  memory.zeros = reinterpret_cast<int32_t*>(arena.floats(rows));
  memory.outliers = arena.floats(rows * static_cast<size_t>(size.outliers));
  return memory;
}

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

PreparedRows prepared_memory(Arena& arena, const KernelTable& kernels, int rows, const PackedMatrix& weight) {
  return allocate(arena, {.rows = rows,
                          .columns = weight.k(),
                          .value_bytes = low_precision_kernels(kernels, weight.dtype()).activation_bytes,
                          .outliers = static_cast<int>(weight.outliers().size())});
}

PreparedRows prepared_memory(Arena& arena, const KernelTable& kernels, int rows, int columns) {
  return allocate(arena, {.rows = rows,
                          .columns = columns,
                          .value_bytes = std::max(kernels.bf16.activation_bytes, kernels.int8.activation_bytes),
                          .outliers = static_cast<int>(PackedMatrix::kMostOutliers)});
}

PreparedRows slice_rows(const KernelTable& kernels, const PreparedRows& prepared, const PackedMatrix& weight,
                        Range rows) {
  CHECK(0 <= rows.begin && rows.begin <= rows.end && rows.end <= prepared.rows);
  const ptrdiff_t first = rows.begin;
  PreparedRows slice = prepared;
  slice.data += first * prepared.stride * low_precision_kernels(kernels, weight.dtype()).activation_bytes;
  slice.scales += first;
  slice.zeros += first;
  slice.outliers += first * static_cast<ptrdiff_t>(weight.outliers().size());
  slice.rows = rows.end - rows.begin;
  return slice;
}

PrepareArgs prepare_args(MatrixView<const float> x, const PackedMatrix& weight, const PreparedRows& out) {
  CHECK(x.columns == weight.k() && x.columns <= out.stride && x.rows <= out.rows);
  return {.x = x.data,
          .ldx = x.stride,
          .out = out.data,
          .ldo = out.stride,
          .scales = out.scales,
          .zeros = out.zeros,
          .rows = x.rows,
          .k = x.columns,
          .outliers = weight.outliers().data(),
          .outlier_values = out.outliers,
          .outlier_count = static_cast<int>(weight.outliers().size())};
}

PreparedRows prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight) {
  const PreparedRows out = prepared_memory(context.scratch[0], *context.kernels, x.rows, weight);
  prepare_rows(context, x, weight, out);
  return out;
}

void prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight,
                  const PreparedRows& out) {
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, weight.dtype());
  const auto run = [&](Range rows) {
    kernels.prepare(
        prepare_args(x.slice_rows(rows.begin, rows.end), weight, slice_rows(*context.kernels, out, weight, rows)));
  };
  if (context.threads() == 1 || x.rows * x.columns < kValuesWorthSharing) {
    run({0, x.rows});
  } else {
    context.run([&](int thread) { run(split_range(x.rows, context.threads(), thread)); });
  }
}

}  // namespace vivace
