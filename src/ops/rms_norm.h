// Root mean square normalisation of every row (Zhang, Sennrich 2019): no mean, no bias.
#pragma once

#include "ops/execution_context.h"
#include "tensor/aligned_buffer.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct RmsNorm {
  AlignedBuffer<float> gamma;  // [n]
  float epsilon = 1e-6F;
};

//   x, out  [rows, n] f32; out may be x
void rms_norm(const ExecutionContext& context, MatrixView<const float> x, const RmsNorm& norm, MatrixView<float> out);

}  // namespace vivace
