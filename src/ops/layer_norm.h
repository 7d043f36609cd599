// Layer normalisation of every row (Ba, Kiros, Hinton 2016).
#pragma once

#include "ops/execution_context.h"
#include "tensor/aligned_buffer.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct LayerNorm {
  AlignedBuffer<float> gamma;  // [n]
  AlignedBuffer<float> beta;   // [n]
  float epsilon = 1e-12F;
};

//   x, out  [rows, n] f32; out may be x
void layer_norm(const ExecutionContext& context, MatrixView<const float> x, const LayerNorm& norm,
                MatrixView<float> out);

}  // namespace vivace
