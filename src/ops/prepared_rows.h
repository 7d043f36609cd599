// Activations in the form in which layers below fp32 read them: rounded to bf16, or quantised token by token.
#pragma once

#include <cstddef>

#include "kernels/kernel_table.h"
#include "ops/execution_context.h"
#include "tensor/arena.h"
#include "tensor/dtype.h"
#include "tensor/packed_matrix.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct PreparedRows {
  std::byte* data = nullptr;
  float* scales = nullptr;    // int8: of each row
  int32_t* zeros = nullptr;   // int8: of each row
  float* outliers = nullptr;  // int8: each row's, where the matrix has outliers
  ptrdiff_t stride = 0;       // of data, in values
  int rows = 0;
};

// Of a dtype that is kBF16, kI8 or kI4.
const LowPrecisionKernels& low_precision_kernels(const KernelTable& kernels, DType dtype);

// Memory for so many rows, prepared for that matrix, or for whichever of so many inputs.
PreparedRows prepared_memory(Arena& arena, const KernelTable& kernels, int rows, const PackedMatrix& weight);
PreparedRows prepared_memory(Arena& arena, const KernelTable& kernels, int rows, int columns);

// The whole number that stands for value `column` of a row that was prepared for int8.
int prepared_integer(const KernelTable& kernels, const PreparedRows& rows, int row, int column);

// For products with that matrix of bf16, int8 or int4. Memory from context.scratch[0]; the threads share the work.
PreparedRows prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight);
// The same into memory that is there already.
void prepare_rows(const ExecutionContext& context, MatrixView<const float> x, const PackedMatrix& weight,
                  const PreparedRows& out);

// Some of the rows that are prepared for that matrix, or are to be.
PreparedRows slice_rows(const KernelTable& kernels, const PreparedRows& prepared, const PackedMatrix& weight,
                        Range rows);

// What prepares x as the first rows of `out`.
PrepareArgs prepare_args(MatrixView<const float> x, const PackedMatrix& weight, const PreparedRows& out);

}  // namespace vivace
