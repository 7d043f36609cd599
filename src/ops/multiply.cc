#include "ops/multiply.h"

namespace vivace {

void multiply(const ExecutionContext& context, MatrixView<const float> x, MatrixView<float> y) {
  CHECK(x.rows == y.rows && x.columns == y.columns);
  context.run([&](int thread) {
    const Range rows = split_range(y.rows, context.threads(), thread);
    for (int row = rows.begin; row < rows.end; ++row) {
      context.kernels->multiply_f32(x.row(row), y.row(row), static_cast<size_t>(y.columns));
    }
  });
}

}  // namespace vivace
