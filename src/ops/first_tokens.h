// Layers of which only the first token of each sequence is wanted: all tokens give keys and values, one asks.
#pragma once

#include <cstdint>
#include <span>

#include "ops/execution_context.h"
#include "ops/linear.h"
#include "tensor/tensor_view.h"

namespace vivace {

//   x        [tokens, n]: sequence i has the rows offsets[i] … offsets[i+1]-1, one at least
//   out      [sequences, n], overwritten
void gather_first_tokens(MatrixView<const float> x, std::span<const int32_t> offsets, MatrixView<float> out);

// The other way round; the other rows of x stay as they are.
void scatter_first_tokens(MatrixView<const float> first, std::span<const int32_t> offsets, MatrixView<float> x);

// What self_attention() with first_tokens_only needs: keys and values of all rows, queries of the first ones. Other
// rows' queries are whatever was there.
//   layer  queries, keys and values side by side
//   qkv    [tokens, layer's outputs]; must not overlap x
void project_for_first_tokens(const ExecutionContext& context, const LinearInput& x, const Linear& layer,
                              std::span<const int32_t> offsets, MatrixView<float> qkv);

}  // namespace vivace
