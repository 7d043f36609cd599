// Activations in the form in which layers below fp32 read them: rounded to bf16, or quantised token by token.
#pragma once

#include <cstddef>

#include "kernels/kernel_table.h"
#include "ops/execution_context.h"
#include "tensor/dtype.h"
#include "tensor/packed_matrix.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct PreparedRows {
  const std::byte* data = nullptr;
  const float* scales = nullptr;    // int8: of each row
  const int32_t* zeros = nullptr;   // int8: of each row
  const float* outliers = nullptr;  // int8: each row's, where the matrix has outliers
  ptrdiff_t stride = 0;             // of data, in values
};

// Of a dtype that is kBF16, kI8 or kI4.
const LowPrecisionKernels& low_precision_kernels(const KernelTable& kernels, DType dtype);

// The whole number that stands for value `column` of a row that was prepared for int8.
int prepared_integer(const KernelTable& kernels, const PreparedRows& rows, int row, int column);

// For products with that matrix of bf16 or int8. Memory from context.scratch[0]; the threads share the work.
PreparedRows prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight);

}  // namespace vivace
