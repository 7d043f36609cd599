// Products of matrices value by value, as gates use them.
#pragma once

#include "ops/execution_context.h"
#include "tensor/tensor_view.h"

namespace vivace {

// y ← y · x, value by value.
//   x, y  [rows, n] f32
void multiply(const ExecutionContext& context, MatrixView<const float> x, MatrixView<float> y);

}  // namespace vivace
