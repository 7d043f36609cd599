#include "ops/linear.h"

#include <algorithm>

#include "ops/input_recorder.h"
#include "telemetry/trace.h"

namespace vivace {
namespace {

// Where threads share the columns, rows are cut so often, and so small, at most; a part reads the weights again, so it
// is to save some time.
constexpr int kMostPartsOfRows = 8;
constexpr int kFewestRowsOfAPart = 24;
constexpr double kWorthAPart = 0.9;
// Whole tiles. The more rows, the fewer passes over the weights; the fewer, the more of them is still in L2 when it is
// prepared.
constexpr int kRowsInTheCache = 96;

void check_outputs(const PackedMatrix& weight, int first, int count) {
  const int width = weight.panel_width();
  CHECK(first >= 0 && first % width == 0 && count <= weight.n() - first);
  CHECK(count % width == 0 || first + count == weight.n());
}

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
  args.n = out.columns;
  args.k = layer.weight.k();
  args.activation = options.activation;
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
  args->b += weight.panel(panels) - weight.panel(0);
}

void skip_panels(const PackedMatrix& weight, int panels, GemmLowArgs* args) {
  const int columns = panels * weight.panel_width();
  args->b = static_cast<const std::byte*>(args->b) + (weight.panel_data(panels) - weight.panel_data(0));
  if (args->column_scales != nullptr) args->column_scales += columns;
  if (args->column_offsets != nullptr) args->column_offsets += columns;
  if (args->outlier_weights != nullptr) args->outlier_weights += columns;
}

// The layer's first outputs, with what belongs to them but is not part of `out`.
template <typename Args>
void skip_outputs(const PackedMatrix& weight, int outputs, Args* args) {
  if (outputs == 0) return;
  skip_panels(weight, outputs / weight.panel_width(), args);
  if (args->bias != nullptr) args->bias += outputs;
}

GemmF32Args gemm_args(MatrixView<const float> x, const Linear& layer, const LinearOptions& options,
                      MatrixView<float> out) {
  auto args = target_args<GemmF32Args>(layer, options, out);
  args.a = x.data;
  args.lda = x.stride;
  args.b = layer.weight.panel(0);
  skip_outputs(layer.weight, options.first_output, &args);
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
  skip_outputs(layer.weight, options.first_output, &args);
  return args;
}

template <typename Args>
struct Product {
  void (*run)(const Args&) noexcept;
  Args args;
  int value_bytes;  // of a's
};

// Some rows and panels of it.
template <typename Args>
void run_slice(const Product<Args>& product, const PackedMatrix& weight, Range rows, Range panels) {
  if (rows.begin == rows.end || panels.begin == panels.end) return;
  Args args = product.args;
  const int first = panels.begin * weight.panel_width();
  skip_rows(rows.begin, product.value_bytes, &args);
  skip_panels(weight, panels.begin, &args);
  args.c += rows.begin * args.ldc + first;
  if (args.bias != nullptr) args.bias += first;
  if (args.residual != nullptr) args.residual += rows.begin * args.ldr + first;
  args.m = rows.end - rows.begin;
  args.n = std::min(product.args.n, panels.end * weight.panel_width()) - first;
  product.run(args);
}

// Parts of the rows, each with all panels, that threads share. More than one where panels alone would leave threads
// without work: 6 panels take 8 threads as long as 8 panels would, their quarters three quarters of it.
int parts_of_rows(int rows, int panels, int threads) {
  const auto share = [&](int parts) { return static_cast<double>((panels * parts + threads - 1) / threads) / parts; };
  int best = 1;
  for (int parts = 2; parts <= kMostPartsOfRows && rows / parts >= kFewestRowsOfAPart; ++parts) {
    if (share(parts) < share(best) * kWorthAPart) best = parts;
  }
  return best;
}

template <typename Args>
void run_product(const ExecutionContext& context, const Product<Args>& product, const PackedMatrix& weight) {
  const int threads = context.threads();
  const int rows = product.args.m;
  const int panels = (product.args.n + weight.panel_width() - 1) / weight.panel_width();
  if (context.splits_by_rows(rows)) {
    context.run([&](int thread) { run_slice(product, weight, split_range(rows, threads, thread), Range{0, panels}); });
    return;
  }
  const int parts = parts_of_rows(rows, panels, threads);
  context.run([&](int thread) {
    const Range share = split_range(panels * parts, threads, thread);
    for (int part = share.begin / panels; part * panels < share.end; ++part) {
      const Range own{std::max(share.begin - part * panels, 0), std::min(share.end - part * panels, panels)};
      run_slice(product, weight, split_range(rows, parts, part), own);
    }
  });
}

// Calls body(product) with the layer's arguments, its input being prepared where it has to be.
template <typename Body>
void with_product(const ExecutionContext& context, const LinearInput& input, const Linear& layer,
                  const LinearOptions& options, MatrixView<float> out, Body body) {
  CHECK(input.x.columns == layer.weight.k() && input.x.rows == out.rows);
  CHECK(layer.weight.panel_width() == context.kernels->f32_panel_width);
  check_outputs(layer.weight, options.first_output, out.columns);
  const DType dtype = layer.weight.dtype();
  if (dtype == DType::kF32) {
    body(Product<GemmF32Args>{context.kernels->gemm_f32, gemm_args(input.x, layer, options, out), 4});
    return;
  }
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, dtype);
  CHECK(layer.weight.layout().depth == kernels.depth);
  const Arena::Scope scope(context.scratch[0]);
  const PreparedRows rows =
      input.prepared.data != nullptr ? input.prepared : prepare_rows(context, input.x, layer.weight);
  body(Product<GemmLowArgs>{kernels.gemm, gemm_args(rows, layer, options, out), kernels.activation_bytes});
}

// Rows of a product, prepared for `next` in blocks that stay in the cache meanwhile.
template <typename Args>
void prepare_product(const ExecutionContext& context, const Product<Args>& product, const PackedMatrix& next,
                     const PreparedRows& out) {
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, next.dtype());
  context.run([&](int thread) {
    const Range rows = split_range(product.args.m, context.threads(), thread);
    Arena& arena = context.scratch[static_cast<size_t>(thread)];
    const Arena::Scope scope(arena);
    const int count = rows.end - rows.begin;
    const int blocks = (count + kRowsInTheCache - 1) / kRowsInTheCache;  // of about the same size
    const MatrixView<float> block = arena.matrix(blocks == 0 ? 0 : (count + blocks - 1) / blocks, product.args.n);
    for (int row = rows.begin; row < rows.end; row += block.rows) {
      Args args = product.args;
      skip_rows(row, product.value_bytes, &args);
      args.m = std::min(block.rows, rows.end - row);
      args.c = block.data;
      args.ldc = block.stride;
      product.run(args);
      kernels.prepare(prepare_args(block.slice_rows(0, args.m), next,
                                   slice_rows(*context.kernels, out, next, {row, row + args.m})));
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

void linear(const ExecutionContext& context, const LinearInput& input, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out) {
  TRACE_ZONE("linear");
  if (out.rows == 0 || out.columns == 0) return;
  if (context.recorder != nullptr) context.recorder->record(context, layer.weight, input.x);
  with_product(context, input, layer, options, out,
               [&](const auto& product) { run_product(context, product, layer.weight); });
}

void linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out) {
  linear(context, LinearInput{.x = x}, layer, options, out);
}

LinearInput linear_for(const ExecutionContext& context, const LinearInput& input, const Linear& layer,
                       Activation activation, const Linear& next) {
  Arena& arena = context.scratch[0];
  const int rows = input.x.rows;
  const LinearOptions options{.activation = activation};
  if (next.weight.dtype() == DType::kF32) {
    const MatrixView<float> out = arena.matrix(rows, layer.weight.n());
    linear(context, input, layer, options, out);
    return {.x = out};
  }
  const LinearInput out{.x = {nullptr, rows, layer.weight.n(), layer.weight.n()},
                        .prepared = prepared_memory(arena, *context.kernels, rows, next.weight)};
  if (context.threads() == 1 || context.splits_by_rows(rows)) {
    TRACE_ZONE("linear");  // elsewhere linear() has its own
    with_product(context, input, layer, options, {nullptr, rows, layer.weight.n(), 0},
                 [&](const auto& product) { prepare_product(context, product, next.weight, out.prepared); });
  } else {  // threads share the outputs, so that no one has a row whole
    const Arena::Scope scope(arena);
    const MatrixView<float> values = arena.matrix(rows, layer.weight.n());
    linear(context, input, layer, options, values);
    prepare_rows(context, values, next.weight, out.prepared);
  }
  return out;
}

LinearInput prepare_linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer) {
  CHECK(x.columns == layer.weight.k());
  if (layer.weight.dtype() == DType::kF32) return {x, {}};
  return {x, prepare_rows(context, x, layer.weight)};
}

void linear_part(const KernelTable& kernels, const LinearInput& x, const Linear& layer, Range rows, Range panels,
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
