// From the hidden states of one sequence to its vector, as sentence-transformers' Pooling and Normalize modules do.
#pragma once

#include <span>

#include "formats/model_directory.h"
#include "kernels/kernel_table.h"
#include "tensor/tensor_view.h"

namespace vivace {

// One row out of all, as the mode says; with kNone all rows one behind the other.
//   tokens  [sequence length ≥ 1, hidden_size] f32
//   out     hidden_size values (kNone: sequence length · hidden_size)
void pool_tokens(const KernelTable& kernels, MatrixView<const float> tokens, PoolingMode mode, std::span<float> out);

// Divides by the Euclidean norm; a norm below 1e-12 counts as 1e-12, as in torch.nn.functional.normalize.
void normalize_l2(const KernelTable& kernels, std::span<float> vector);

}  // namespace vivace
