#include "ops/linear.h"

namespace vivace {
namespace {

// Below this many rows a thread, each would read all weights for too little work: threads share out the columns
// instead.
constexpr int kRowsWorthAPassOverWeights = 96;

GemmF32Args gemm_args(MatrixView<const float> x, const Linear& layer, const LinearOptions& options,
                      MatrixView<float> out) {
  GemmF32Args args;
  args.a = x.data;
  args.lda = x.stride;
  args.b = layer.weight.panel(0);
  args.c = out.data;
  args.ldc = out.stride;
  args.bias = layer.bias.data();
  if (options.residual != nullptr) {
    args.residual = options.residual->data;
    args.ldr = options.residual->stride;
  }
  args.m = x.rows;
  args.n = layer.weight.n();
  args.k = layer.weight.k();
  args.activation = options.activation;
  return args;
}

void run_rows(const KernelTable& kernels, GemmF32Args args, Range rows) {
  if (rows.begin == rows.end) return;
  args.a += rows.begin * args.lda;
  args.c += rows.begin * args.ldc;
  if (args.residual != nullptr) args.residual += rows.begin * args.ldr;
  args.m = rows.end - rows.begin;
  kernels.gemm_f32(args);
}

void run_panels(const KernelTable& kernels, GemmF32Args args, const PackedMatrix& weight, Range panels) {
  if (panels.begin == panels.end) return;
  const int first = panels.begin * weight.panel_width();
  args.b = weight.panel(panels.begin);
  args.c += first;
  if (args.bias != nullptr) args.bias += first;
  if (args.residual != nullptr) args.residual += first;
  const bool last = panels.end == weight.panels();
  args.n = (last ? weight.n() : panels.end * weight.panel_width()) - first;
  kernels.gemm_f32(args);
}

}  // namespace

void linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out) {
  CHECK(x.columns == layer.weight.k() && out.columns == layer.weight.n() && x.rows == out.rows);
  CHECK(layer.weight.panel_width() == context.kernels->f32_panel_width);
  if (x.rows == 0) return;
  const GemmF32Args args = gemm_args(x, layer, options, out);
  const int threads = context.threads();
  const bool by_rows = x.rows >= threads * kRowsWorthAPassOverWeights;
  context.run([&](int thread) {
    if (by_rows) {
      run_rows(*context.kernels, args, split_range(x.rows, threads, thread));
    } else {
      run_panels(*context.kernels, args, layer.weight, split_range(layer.weight.panels(), threads, thread));
    }
  });
}

}  // namespace vivace
