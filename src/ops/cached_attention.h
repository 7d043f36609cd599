// Multi-head attention of new tokens over keys and values that are kept from earlier: a decoder's own past, or the
// source that it reads.
#pragma once

#include <span>

#include "ops/execution_context.h"
#include "tensor/tensor_view.h"

namespace vivace {

// Rows first_row … first_row + rows - 1 of the queries read these keys and values.
struct CachedSequence {
  int first_row = 0;
  int rows = 0;
  MatrixView<const float> keys_values;  // [keys, 2 · width]: the key and the value of each token side by side
  // Keys that the first of the rows sees; each further row sees one more, as long as there are more.
  int first_visible = 0;
};

struct CachedAttention {
  std::span<const CachedSequence> sequences;
  int heads = 0;
  float scale = 1;
  // [heads, longest_distance + 1]: what is added to the score of the key d tokens back stands at longest_distance - d,
  // the last visible key being 0 tokens back; nullptr: nothing.
  const float* distance_bias = nullptr;
  int longest_distance = 0;
};

//   queries  [rows, heads · head_dim] f32
//   out      the same shape; must not overlap queries
// Work is split over (sequence, head); scratch comes from each thread's arena. A row's result depends neither on the
// split nor on the other rows.
void cached_attention(const ExecutionContext& context, MatrixView<const float> queries,
                      const CachedAttention& attention, MatrixView<float> out);

}  // namespace vivace
