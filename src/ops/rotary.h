// Rotary position embeddings (Su et al. 2021): pairs of a head's values turn by an angle that grows with the position.
#pragma once

#include <cstdint>
#include <span>

#include "ops/execution_context.h"
#include "tensor/tensor_view.h"

namespace vivace {

// Cosines and sines of the first `table.rows` positions in single precision, as the reference rounds them.
//   table  [positions, head_dim]: head_dim / 2 cosines, then as many sines, overwritten
void rotary_table(double theta, MatrixView<float> table);

// Turns the queries and keys of qkv in place: value d of a head's first half with value d of its second half.
//   qkv        [tokens, 3 · heads · head_dim]: queries, keys and values side by side
//   positions  [tokens], each below table.rows
void rotate(const ExecutionContext& context, MatrixView<const float> table, std::span<const int32_t> positions,
            MatrixView<float> qkv);

}  // namespace vivace
