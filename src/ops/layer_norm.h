// Layer normalisation of every row (Ba, Kiros, Hinton 2016).
#pragma once

#include "ops/execution_context.h"
#include "ops/linear.h"
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

// x ← norm(x), as `next` reads it. Where that is less than fp32, it is prepared on the way into memory of the caller's,
// if that is given (has data): for as many rows and columns, whatever the matrix.
LinearInput layer_norm_for(const ExecutionContext& context, MatrixView<float> x, const LayerNorm& norm,
                           const Linear& next, const PreparedRows& memory);

}  // namespace vivace
