// The terms of RelativePositions in the scores of attention, on a product P and the tiles of gemm_inl.h.
//
// Both are products with the positions that are within reach, and no others: a block of queries times the positions'
// keys; all keys times the positions' queries, for kPositionQueries queries at a time. Along a row of either product
// the positions of neighbouring distances are neighbours, so a vector of terms is one load and one permutation. For the
// second product that is a vector of queries for one key: as many keys as a vector has lanes are transposed at once.
#pragma once

#include "kernels/attention_scratch_inl.h"
#include "kernels/gemm_inl.h"

namespace vivace {
namespace {

// Lane l is row[index[l] - first] for positions index[l] that rise or fall. Neighbours in the row, unless they are
// farther apart than a vector is long.
template <typename V>
inline typename V::Reg look_up(const float* row, const int32_t* index, int first) {
  const int32_t a = index[0];
  const int32_t b = index[V::kLanes - 1];
  const int32_t lowest = a < b ? a : b;
  if ((a < b ? b - a : a - b) < V::kLanes) return V::load_permuted(row + (lowest - first), index, lowest);
  return V::gather(row, index, first);
}

// Panels of the positions from `first` on, which begins one.
template <typename P>
inline const void* position_panels(const void* panels, int first, int head_dim) {
  return static_cast<const float*>(panels) + static_cast<ptrdiff_t>(first) * words_of<P>(head_dim);
}

// What block.count queries times positions' keys give, and the position of the first column.
template <typename P, int NR>
inline int multiply_queries(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block,
                            const OperandRows<P>& queries) {
  using V = typename P::Vector;
  constexpr int kWidth = NR * V::kLanes;
  const int last_key = block.key_begin + round_up_to<V::kLanes>(block.key_end - block.key_begin) - 1;
  const PositionRange positions = positions_between<kWidth>(
      args.relative.index, block.key_begin - (block.first + block.count - 1), last_key - block.first);
  multiply_rows<P, NR>(queries, {.panels = position_panels<P>(args.relative.keys, positions.first, args.head_dim),
                                 .c = args.scratch + layout.content_to_position,
                                 .ldc = layout.query_stride,
                                 .m = block.count,
                                 .n = positions.count,
                                 .k = args.head_dim});
  return positions.first;
}

// The positions that queries first … last (and what a vector holds besides) can be from the keys that share a product
// with this one.
template <typename V, int NR>
inline PositionRange positions_of_keys(const AttentionArgs& args, int key, int first, int last) {
  const int begin = key / kPositionKeys<V> * kPositionKeys<V>;
  const int whole = round_up_to<V::kLanes>(args.tokens);
  const int end = begin + kPositionKeys<V> < whole ? begin + kPositionKeys<V> : whole;
  return positions_between<NR * V::kLanes>(args.relative.index, begin - (last + V::kLanes - 1), end - 1 - first);
}

// The last query that shares products with this one.
inline int last_of_position_queries(int query, int queries) {
  const int end = (query / kPositionQueries + 1) * kPositionQueries;
  return (end < queries ? end : queries) - 1;
}

// Keys times positions' queries, for the queries from `first` on.
template <typename P, int NR>
inline void multiply_keys(const AttentionArgs& args, const AttentionScratch& layout, const OperandRows<P>& keys,
                          int first, int queries) {
  using V = typename P::Vector;
  const int last = last_of_position_queries(first, queries);
  const int begin = first > args.window ? first - args.window : 0;
  const int end = args.tokens - 1 - last > args.window ? last + args.window + 1 : args.tokens;
  for (int key = begin / kPositionKeys<V> * kPositionKeys<V>; key < end; key += kPositionKeys<V>) {
    const PositionRange positions = positions_of_keys<V, NR>(args, key, first, last);
    multiply_rows<P, NR>(
        {keys.data + key * keys.ld, keys.ld},
        {.panels = position_panels<P>(args.relative.queries, positions.first, args.head_dim),
         .c = args.scratch + layout.position_to_content + static_cast<ptrdiff_t>(key) * layout.key_stride,
         .ldc = layout.key_stride,
         .m = args.tokens - key < kPositionKeys<V> ? args.tokens - key : kPositionKeys<V>,
         .n = positions.count,
         .k = args.head_dim});
  }
}

// Adds to the scores of a vector of queries, from `first` of the block on, and a vector of keys, from j on. Lanes past
// the last key hold what happens to lie there. first_positions: of the first column of either product.
struct FirstPositions {
  int of_queries;
  int of_keys;
};
template <typename V>
inline void add_position_tile(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block,
                              int first, int j, const FirstPositions& first_positions) {
  constexpr int kLanes = V::kLanes;
  const RelativePositions& relative = args.relative;
  const int last = block.first + first + kLanes - 1;
  typename V::Reg terms[kLanes];  // of the queries from the last to the first, once they are transposed
#pragma GCC unroll 16
  for (int l = 0; l < kLanes; ++l) terms[l] = V::zero();
  if (relative.queries != nullptr) {
    const float* row = args.scratch + layout.position_to_content + static_cast<ptrdiff_t>(j) * layout.key_stride;
    const int32_t* index = relative.index + (j - last);
#pragma GCC unroll 16
    for (int l = 0; l < kLanes; ++l) {
      terms[l] = look_up<V>(row + static_cast<ptrdiff_t>(l) * layout.key_stride, index + l, first_positions.of_keys);
    }
    V::transpose(terms);
  }
  float* scores = args.scratch + layout.scores + first * layout.score_stride + (j - block.key_begin);
  const float* row = args.scratch + layout.content_to_position + first * layout.query_stride;
  const int count = block.count - first < kLanes ? block.count - first : kLanes;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i >= count) break;
    auto score = V::load(scores + i * layout.score_stride);
    if (relative.keys != nullptr) {
      const int32_t* index = relative.index + (j - (block.first + first + i));
      score = V::add(score, look_up<V>(row + i * layout.query_stride, index, first_positions.of_queries));
    }
    V::store(scores + i * layout.score_stride, V::add(score, terms[kLanes - 1 - i]));
  }
}

// Adds a block's terms of position to its scores; multiply_keys() is done.
template <typename P, int NR>
inline void add_position_terms(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block,
                               const OperandRows<P>& block_queries) {
  using V = typename P::Vector;
  FirstPositions positions{};
  if (args.relative.keys != nullptr) {
    positions.of_queries = multiply_queries<P, NR>(args, layout, block, block_queries);
  }
  const int queries = args.queries > 0 ? args.queries : args.tokens;
  const int first_query = block.first / kPositionQueries * kPositionQueries;
  const int last_query = last_of_position_queries(block.first, queries);
  for (int j = block.key_begin; j < block.key_end; j += V::kLanes) {
    positions.of_keys = positions_of_keys<V, NR>(args, j, first_query, last_query).first;
    for (int first = 0; first < block.count; first += V::kLanes) {
      add_position_tile<V>(args, layout, block, first, j, positions);
    }
  }
}

}  // namespace
}  // namespace vivace
