// Attention of one head in one sequence, on a product P and the matrix tiles of gemm_inl.h.
//
// Keys are laid out transposed and values as they are, both in panels, once for the head. Then, for each block of
// queries: scores by one product, softmax in place, the weighted sum of values by another. A block of 24 queries has at
// most 24 × 512 scores = 48 KiB, which stay in L2 at worst; no tokens × tokens matrix is ever written.
#pragma once

#include "kernels/attention_scratch_inl.h"
#include "kernels/gemm_inl.h"
#include "kernels/relative_positions_inl.h"

namespace vivace {
namespace {

// Writes exp(scale · (score - highest)) of n scores and returns one over their sum. Zeros are written behind them, up
// to a whole vector. `out` may begin where the scores do or before: no score is overwritten before it is read.
template <typename P>
inline float softmax_row(const float* scores, int n, float scale, typename P::A* out) {
  using V = typename P::Vector;
  constexpr float kLog2E = 1.44269504F;
  const int whole = n / V::kLanes * V::kLanes;
  const int rest = n - whole;
  float highest = rest > 0 ? scores[whole] : scores[0];
  auto highest_vector = V::broadcast(highest);
  for (int i = 0; i < whole; i += V::kLanes) highest_vector = V::max(highest_vector, V::load(scores + i));
  for (int i = whole; i < n; ++i) highest = scores[i] > highest ? scores[i] : highest;
  const float most = V::reduce_max(highest_vector);
  highest = most > highest ? most : highest;

  const auto factor = V::broadcast(scale * kLog2E);
  const auto offset = V::broadcast(highest);
  auto sum = V::zero();
  for (int i = 0; i < whole; i += V::kLanes) {
    const auto e = exp2_vector<V>(V::mul(V::sub(V::load(scores + i), offset), factor));
    P::store(out + i, e, V::zero());
    sum = V::add(sum, e);
  }
  if (rest > 0) {
    const auto e = exp2_vector<V>(V::mul(V::sub(V::load(scores + whole), offset), factor));
    const auto kept = V::keep_first(e, rest);
    P::store(out + whole, kept, V::zero());
    sum = V::add(sum, kept);
  }
  return 1.0F / V::reduce_add(sum);
}

// The bias of the distance between query and key.
template <typename V>
inline void add_distance_bias(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block) {
  for (int i = 0; i < block.count; ++i) {
    float* scores = args.scratch + layout.scores + i * layout.score_stride;
    const float* bias = args.distance_bias - (block.first + i);
    for (int j = block.key_begin; j < block.key_end; j += V::kLanes) {
      V::store(scores + j - block.key_begin, V::add(V::load(scores + j - block.key_begin), V::load(bias + j)));
    }
  }
}

// The softmax of each query over the keys it sees, zeros for the others, over the beginning of the scores' own rows;
// inverse[i] is one over the sum of row i.
template <typename P>
inline void softmax_block(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block,
                          float* inverse) {
  const auto clear = [](typename P::A* p, int n) { __builtin_memset(p, 0, static_cast<size_t>(n) * sizeof *p); };
  const int keys = words_of<P>(block.key_end - block.key_begin) * P::kDepth;
  for (int i = 0; i < block.count; ++i) {
    const float* scores = args.scratch + layout.scores + i * layout.score_stride;
    auto* shares = reinterpret_cast<typename P::A*>(args.scratch + layout.scores + i * layout.score_stride);
    const int query = block.first + i;
    const int begin = (query > args.window ? query - args.window : 0) - block.key_begin;
    const int end = (args.tokens - 1 - query > args.window ? query + args.window + 1 : args.tokens) - block.key_begin;
    inverse[i] = softmax_row<P>(scores + begin, end - begin, args.scale, shares + begin);
    clear(shares, begin);
    clear(shares + end, keys - end);
  }
}

template <typename P, int NR>
inline void attention_block(const AttentionArgs& args, const AttentionScratch& layout, const AttentionBlock& block) {
  using V = typename P::Vector;
  constexpr int kWidth = NR * V::kLanes;
  const OperandRows<P> queries = operand_rows<P>(args.q + block.first * args.ld, args.ld, block.count, args.head_dim,
                                                 args.scratch + layout.query_rows);
  float* scores = args.scratch + layout.scores;
  const int keys = block.key_end - block.key_begin;
  multiply_rows<P, NR>(queries,
                       {.panels = args.scratch + static_cast<ptrdiff_t>(block.key_begin) * words_of<P>(args.head_dim),
                        .c = scores,
                        .ldc = layout.score_stride,
                        .m = block.count,
                        .n = round_up_to<V::kLanes>(keys),  // whole vectors: the softmax clears the rest
                        .k = args.head_dim});
  if (args.distance_bias != nullptr) add_distance_bias<V>(args, layout, block);
  if (args.relative.index != nullptr) add_position_terms<P, NR>(args, layout, block, queries);
  float inverse[kQueryBlock];
  softmax_block<P>(args, layout, block, inverse);

  const OperandRows<P> shares{reinterpret_cast<const typename P::A*>(scores),
                              static_cast<ptrdiff_t>(layout.score_stride) * P::kDepth};
  const float* values = args.scratch + layout.values + static_cast<ptrdiff_t>(block.key_begin / P::kDepth) * kWidth;
  for (int column = 0; column < args.head_dim; column += kWidth) {
    multiply_rows<P, NR>(shares, {.panels = values + static_cast<ptrdiff_t>(column) * words_of<P>(args.tokens),
                                  .c = args.out + block.first * args.ldo + column,
                                  .ldc = args.ldo,
                                  .m = block.count,
                                  .n = args.head_dim - column < kWidth ? args.head_dim - column : kWidth,
                                  .k = keys});
  }
  for (int i = 0; i < block.count; ++i) {
    scale_all<V>(inverse[i], args.out + (block.first + i) * args.ldo, static_cast<size_t>(args.head_dim));
  }
}

template <typename P, int NR>
inline void attention_all(const AttentionArgs& args) noexcept {
  constexpr int kWidth = NR * P::Vector::kLanes;
  const AttentionScratch layout = attention_scratch<P, NR>(args.tokens, args.head_dim, args.relative.index);
  const OperandRows<P> keys =
      operand_rows<P>(args.k, args.ld, args.tokens, args.head_dim, args.scratch + layout.key_rows);
  pack_keys<P, NR>(keys, args.tokens, args.head_dim, args.scratch);
  pack_values<P, NR>(args, args.scratch + layout.values);
  const int queries = args.queries > 0 ? args.queries : args.tokens;
  for (int first = 0; first < queries; first += kQueryBlock) {
    const int count = queries - first < kQueryBlock ? queries - first : kQueryBlock;
    const int last = first + count - 1;
    if (args.relative.queries != nullptr && first % kPositionQueries == 0) {
      multiply_keys<P, NR>(args, layout, keys, first, queries);
    }
    const int begin = first > args.window ? (first - args.window) / kWidth * kWidth : 0;
    const int end = args.tokens - 1 - last > args.window ? last + args.window + 1 : args.tokens;
    attention_block<P, NR>(args, layout, {first, count, begin, end});
  }
}

}  // namespace
}  // namespace vivace
