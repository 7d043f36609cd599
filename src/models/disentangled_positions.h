// Relative positions of disentangled attention (He et al. 2021): which row of the table of relative embeddings belongs
// to a distance, and the table's projections, which depend on no input and are computed when the model is loaded.
#pragma once

#include <vector>

#include "ops/attention.h"
#include "ops/linear.h"

namespace vivace {

struct DistanceBuckets {
  int span = 0;          // the table has 2 · span rows; row span is distance 0
  int buckets = 0;       // 0: each distance has its own row
  int max_distance = 0;  // with buckets: the distance at which the last begins
};

// The position of each key's distance to a query, from -longest - kDistancePadding to longest + kDistancePadding, for
// SelfAttention.
std::vector<int32_t> distance_positions(const DistanceBuckets& buckets, int longest);

// The operands of one layer's position terms, for `heads` heads.
//   projected  [positions, heads · head_dim]
//   layout     of attention's type: fp32 or bf16
std::vector<PackedMatrix> pack_positions(MatrixView<const float> projected, int heads, PanelLayout layout);

}  // namespace vivace
