#include "ops/layer_norm.h"

#include "telemetry/trace.h"

namespace vivace {
namespace {

LayerNormF32Args norm_args(MatrixView<const float> x, const LayerNorm& norm, MatrixView<float> out, Range rows) {
  LayerNormF32Args args;
  args.x = x.row(rows.begin);
  args.ldx = x.stride;
  args.out = out.row(rows.begin);
  args.ldo = out.stride;
  args.gamma = norm.gamma.data();
  args.beta = norm.beta.data();
  args.epsilon = norm.epsilon;
  args.rows = rows.end - rows.begin;
  args.n = x.columns;
  return args;
}

void check_sizes(MatrixView<const float> x, const LayerNorm& norm, MatrixView<float> out) {
  CHECK(x.rows == out.rows && x.columns == out.columns);
  CHECK(norm.gamma.size() == static_cast<size_t>(x.columns) && norm.beta.size() == norm.gamma.size());
}

}  // namespace

void layer_norm(const ExecutionContext& context, MatrixView<const float> x, const LayerNorm& norm,
                MatrixView<float> out) {
  TRACE_ZONE("layer_norm");
  check_sizes(x, norm, out);
  context.run([&](int thread) {
    context.kernels->layer_norm_f32(norm_args(x, norm, out, split_range(x.rows, context.threads(), thread)));
  });
}

LinearInput layer_norm_for(const ExecutionContext& context, MatrixView<float> x, const LayerNorm& norm,
                           const Linear& next, const PreparedRows& memory) {
  if (next.weight.dtype() == DType::kF32 || memory.data == nullptr) {
    layer_norm(context, x, norm, x);
    return {.x = x};
  }
  TRACE_ZONE("layer_norm");
  check_sizes(x, norm, x);
  const LowPrecisionKernels& kernels = low_precision_kernels(*context.kernels, next.weight.dtype());
  context.run([&](int thread) {
    const Range rows = split_range(x.rows, context.threads(), thread);
    kernels.layer_norm(norm_args(x, norm, x, rows),
                       prepare_args(x.slice_rows(rows.begin, rows.end), next.weight,
                                    slice_rows(*context.kernels, memory, next.weight, rows)));
  });
  return {.x = x, .prepared = memory};
}

}  // namespace vivace
