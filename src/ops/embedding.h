// Sums of embedding-table rows.
#pragma once

#include <cstdint>
#include <span>

#include "ops/execution_context.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct EmbeddingLookup {
  MatrixView<const float> table;     // [entries, n] f32
  std::span<const int32_t> indices;  // one a row of `out`, each below table.rows
};

// out[r] = Σ lookups: table[indices[r]], in the order given.
//   out  [rows, n] f32
void sum_embeddings(const ExecutionContext& context, std::span<const EmbeddingLookup> lookups, MatrixView<float> out);

}  // namespace vivace
