#include "ops/rms_norm.h"

#include "telemetry/trace.h"

namespace vivace {

void rms_norm(const ExecutionContext& context, MatrixView<const float> x, const RmsNorm& norm, MatrixView<float> out) {
  TRACE_ZONE("rms_norm");
  CHECK(x.rows == out.rows && x.columns == out.columns);
  CHECK(norm.gamma.size() == static_cast<size_t>(x.columns));
  context.run([&](int thread) {
    const Range rows = split_range(x.rows, context.threads(), thread);
    RmsNormF32Args args;
    args.x = x.row(rows.begin);
    args.ldx = x.stride;
    args.out = out.row(rows.begin);
    args.ldo = out.stride;
    args.gamma = norm.gamma.data();
    args.epsilon = norm.epsilon;
    args.rows = rows.end - rows.begin;
    args.n = x.columns;
    context.kernels->rms_norm_f32(args);
  });
}

}  // namespace vivace
