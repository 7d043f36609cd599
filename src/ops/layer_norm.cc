#include "ops/layer_norm.h"

#include "telemetry/trace.h"

namespace vivace {

void layer_norm(const ExecutionContext& context, MatrixView<const float> x, const LayerNorm& norm,
                MatrixView<float> out) {
  TRACE_ZONE("layer_norm");
  CHECK(x.rows == out.rows && x.columns == out.columns);
  CHECK(norm.gamma.size() == static_cast<size_t>(x.columns) && norm.beta.size() == norm.gamma.size());
  context.run([&](int thread) {
    const Range rows = split_range(x.rows, context.threads(), thread);
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
    context.kernels->layer_norm_f32(args);
  });
}

}  // namespace vivace
