#include "ops/linear.h"

#include <algorithm>

#include "telemetry/trace.h"

namespace vivace {
namespace {

// Below this many rows a thread, each would read all weights for too little work: threads share out the columns
// instead.
constexpr int kRowsWorthAPassOverWeights = 96;

// What the arguments of products in all precisions have in common.
template <typename Args>
Args target_args(const Linear& layer, const LinearOptions& options, MatrixView<float> out) {
  Args args;
  args.c = out.data;
  args.ldc = out.stride;
  args.bias = layer.bias.data();
  if (options.residual != nullptr) {
    args.residual = options.residual->data;
    args.ldr = options.residual->stride;
  }
  args.m = out.rows;
  args.n = layer.weight.n();
  args.k = layer.weight.k();
  args.activation = options.activation;
  return args;
}

GemmF32Args gemm_args(MatrixView<const float> x, const Linear& layer, const LinearOptions& options,
                      MatrixView<float> out) {
  auto args = target_args<GemmF32Args>(layer, options, out);
  args.a = x.data;
  args.lda = x.stride;
  args.b = layer.weight.panel(0);
  return args;
}

GemmLowArgs gemm_args(const PreparedRows& x, const Linear& layer, const LinearOptions& options, MatrixView<float> out) {
  auto args = target_args<GemmLowArgs>(layer, options, out);
  args.a = x.data;
  args.lda = x.stride;
  args.row_scales = x.scales;
  args.row_zeros = x.zeros;
  args.b = layer.weight.panel_data(0);
  args.column_scales = layer.weight.scales();
  args.column_offsets = layer.weight.offsets();
  args.outlier_count = static_cast<int>(layer.weight.outliers().size());
  args.outlier_values = x.outliers;
  args.outlier_weights = layer.weight.outlier_weights();
  args.ldo = static_cast<ptrdiff_t>(layer.weight.panels()) * layer.weight.panel_width();
  return args;
}

void skip_rows(int rows, int, GemmF32Args* args) {
  args->a += rows * args->lda;
}

void skip_rows(int rows, int value_bytes, GemmLowArgs* args) {
  args->a = static_cast<const std::byte*>(args->a) + rows * args->lda * value_bytes;
  args->row_scales += rows;
  args->row_zeros += rows;
  args->outlier_values += static_cast<ptrdiff_t>(rows) * args->outlier_count;
}

void skip_panels(const PackedMatrix& weight, int panels, GemmF32Args* args) {
  args->b = weight.panel(panels);
}

void skip_panels(const PackedMatrix& weight, int panels, GemmLowArgs* args) {
  const int columns = panels * weight.panel_width();
  args->b = weight.panel_data(panels);
  if (args->column_scales != nullptr) args->column_scales += columns;
  if (args->column_offsets != nullptr) args->column_offsets += columns;
  if (args->outlier_weights != nullptr) args->outlier_weights += columns;
}

template <typename Args>
struct Product {
  void (*run)(const Args&) noexcept;
  Args args;
  int value_bytes;  // of a's
};

template <typename Args>
void run_rows(const Product<Args>& product, Range rows) {
  if (rows.begin == rows.end) return;
  Args args = product.args;
  skip_rows(rows.begin, product.value_bytes, &args);
  args.c += rows.begin * args.ldc;
  if (args.residual != nullptr) args.residual += rows.begin * args.ldr;
  args.m = rows.end - rows.begin;
  product.run(args);
}

template <typename Args>
void run_panels(const Product<Args>& product, const PackedMatrix& weight, Range panels) {
  if (panels.begin == panels.end) return;
  Args args = product.args;
  const int first = panels.begin * weight.panel_width();
  skip_panels(weight, panels.begin, &args);
  args.c += first;
  if (args.bias != nullptr) args.bias += first;
  if (args.residual != nullptr) args.residual += first;
  const bool last = panels.end == weight.panels();
  args.n = (last ? weight.n() : panels.end * weight.panel_width()) - first;
  product.run(args);
}

template <typename Args>
void run_product(const ExecutionContext& context, const Product<Args>& product, const PackedMatrix& weight) {
  const int threads = context.threads();
  const int rows = product.args.m;
  const bool by_rows = rows >= threads * kRowsWorthAPassOverWeights;
  context.run([&](int thread) {
    if (by_rows) {
      run_rows(product, split_range(rows, threads, thread));
    } else {
      run_panels(product, weight, split_range(weight.panels(), threads, thread));
    }
  });
}

template <typename Args>
void run_part(const Product<Args>& product, const PackedMatrix& weight, Range rows, Range panels) {
  Args args = product.args;
  skip_rows(rows.begin, product.value_bytes, &args);
  skip_panels(weight, panels.begin, &args);
  if (args.bias != nullptr) args.bias += panels.begin * weight.panel_width();
  product.run(args);
}

}  // namespace

Precision resolve_precision(const KernelTable& kernels, Precision precision) {
  if (precision != Precision::kAuto) return precision;
  return kernels.has_fast_bf16 ? Precision::kBf16 : Precision::kF32;
}

PanelLayout panel_layout(const KernelTable& kernels, Precision precision) {
  const int width = kernels.f32_panel_width;
  switch (resolve_precision(kernels, precision)) {
    case Precision::kBf16: return {DType::kBF16, width, kernels.bf16.depth};
    case Precision::kInt8: return {DType::kI8, width, kernels.int8.depth};
    case Precision::kInt4: return {DType::kI4, width, kernels.int4.depth};
    default: return {DType::kF32, width, 1};
  }
}

void linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out) {
  TRACE_ZONE("linear");
  CHECK(x.columns == layer.weight.k() && out.columns == layer.weight.n() && x.rows == out.rows);
  CHECK(layer.weight.panel_width() == context.kernels->f32_panel_width);
  if (x.rows == 0) return;
  const DType dtype = layer.weight.dtype();
  if (dtype == DType::kF32) {
    run_product(context, Product<GemmF32Args>{context.kernels->gemm_f32, gemm_args(x, layer, options, out), 4},
                layer.weight);
    return;
  }
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, dtype);
  CHECK(layer.weight.layout().depth == kernels.depth);
  const Arena::Scope scope(context.scratch[0]);
  const PreparedRows prepared = prepare_rows(context, x, layer.weight);
  run_product(context,
              Product<GemmLowArgs>{kernels.gemm, gemm_args(prepared, layer, options, out), kernels.activation_bytes},
              layer.weight);
}

LinearRows prepare_linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer) {
  CHECK(x.columns == layer.weight.k());
  if (layer.weight.dtype() == DType::kF32) return {x, {}};
  return {x, prepare_rows(context, x, layer.weight)};
}

void linear_part(const KernelTable& kernels, const LinearRows& x, const Linear& layer, Range rows, Range panels,
                 MatrixView<float> out) {
  const PackedMatrix& weight = layer.weight;
  CHECK(weight.panel_width() == kernels.f32_panel_width && panels.end <= weight.panels() && rows.end <= x.x.rows);
  if (rows.begin == rows.end || panels.begin == panels.end) return;
  const int first = panels.begin * weight.panel_width();
  const int columns = std::min(weight.n(), panels.end * weight.panel_width()) - first;
  CHECK(out.rows == rows.end - rows.begin && out.columns == columns);
  const auto run = [&](auto product) {
    product.args.m = out.rows;
    product.args.n = out.columns;
    run_part(product, weight, rows, panels);
  };
  if (weight.dtype() == DType::kF32)
    return run(Product<GemmF32Args>{kernels.gemm_f32, gemm_args(x.x, layer, {}, out), 4});
  const LowPrecisionKernels& low = low_precision_kernels(kernels, weight.dtype());
  run(Product<GemmLowArgs>{low.gemm, gemm_args(x.prepared, layer, {}, out), low.activation_bytes});
}

}  // namespace vivace
