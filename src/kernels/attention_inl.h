// Attention of one head in one sequence, on a vector type V and the matrix tiles of gemm_inl.h.
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

// Panels of keys: panel p holds, for each d, the values k[p·width … ][d]. Keys past the last one are zeros.
template <typename V, int NR>
inline void pack_keys(const AttentionF32Args& args, float* packed) {
  constexpr int kWidth = NR * V::kLanes;
  const int whole = args.head_dim / V::kLanes * V::kLanes;
  for (int first = 0; first < args.tokens; first += V::kLanes) {
    float* target = packed + static_cast<ptrdiff_t>(first / kWidth) * kWidth * args.head_dim + first % kWidth;
    const float* source = args.k + first * args.ld;
    const int count = args.tokens - first < V::kLanes ? args.tokens - first : V::kLanes;
    int d = 0;
    if (count == V::kLanes) {
      for (; d < whole; d += V::kLanes) V::transpose(source + d, args.ld, target + d * kWidth, kWidth);
    }
    for (; d < args.head_dim; ++d) {
      for (int j = 0; j < V::kLanes; ++j) target[d * kWidth + j] = j < count ? source[j * args.ld + d] : 0.0F;
    }
  }
}

// Panels of values: panel p holds, for each key j, the values v[j][p·width …]. Columns past head_dim are zeros.
template <typename V, int NR>
inline void pack_values(const AttentionF32Args& args, float* packed) {
  constexpr int kWidth = NR * V::kLanes;
  for (int first = 0; first < args.head_dim; first += kWidth) {
    for (int j = 0; j < args.tokens; ++j, packed += kWidth) {
      const float* row = args.v + j * args.ld + first;
      for (int d = 0; d < kWidth; d += V::kLanes) {
        const int rest = args.head_dim - first - d;
        V::store(packed + d, rest >= V::kLanes ? V::load(row + d) : V::load_first(row + d, rest > 0 ? rest : 0));
      }
    }
  }
}

// Turns scores into exp(scale · (score - highest)) and returns one over their sum. Lanes past the last key become 0.
template <typename V>
inline float softmax_row(float* scores, int n, float scale) {
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
    V::store(scores + i, e);
    sum = V::add(sum, e);
  }
  if (rest > 0) {
    const auto e = exp2_vector<V>(V::mul(V::sub(V::load(scores + whole), offset), factor));
    const auto kept = V::keep_first(e, rest);
    V::store(scores + whole, kept);
    sum = V::add(sum, kept);
  }
  return 1.0F / V::reduce_add(sum);
}

// The bias of the distance between query and key.
template <typename V>
inline void add_distance_bias(const AttentionF32Args& args, const AttentionScratch& layout,
                              const AttentionBlock& block) {
  for (int i = 0; i < block.count; ++i) {
    float* scores = args.scratch + layout.scores + i * layout.score_stride;
    const float* bias = args.distance_bias - (block.first + i);
    for (int j = block.key_begin; j < block.key_end; j += V::kLanes) {
      V::store(scores + j - block.key_begin, V::add(V::load(scores + j - block.key_begin), V::load(bias + j)));
    }
  }
}

// The softmax of each query over the keys it sees, zeros for the others; inverse[i] is one over the sum of row i.
template <typename V>
inline void softmax_block(const AttentionF32Args& args, const AttentionScratch& layout, const AttentionBlock& block,
                          float* inverse) {
  for (int i = 0; i < block.count; ++i) {
    float* scores = args.scratch + layout.scores + i * layout.score_stride;
    const int query = block.first + i;
    const int begin = query > args.window ? query - args.window : 0;
    const int end = args.tokens - 1 - query > args.window ? query + args.window + 1 : args.tokens;
    inverse[i] = softmax_row<V>(scores + begin - block.key_begin, end - begin, args.scale);
    for (int j = block.key_begin; j < begin; ++j) scores[j - block.key_begin] = 0;
    for (int j = end; j < block.key_end; ++j) scores[j - block.key_begin] = 0;
  }
}

template <typename V, int NR>
inline void attention_block(const AttentionF32Args& args, const AttentionScratch& layout, const AttentionBlock& block) {
  constexpr int kWidth = NR * V::kLanes;
  float* scores = args.scratch + layout.scores;
  GemmF32Args score{};
  score.a = args.q + block.first * args.ld;
  score.lda = args.ld;
  score.b = args.scratch + static_cast<ptrdiff_t>(block.key_begin) * args.head_dim;
  score.c = scores;
  score.ldc = layout.score_stride;
  score.m = block.count;
  score.n = round_up_to<V::kLanes>(block.key_end - block.key_begin);  // whole vectors: the softmax clears the rest
  score.k = args.head_dim;
  gemm_f32_all<V, NR>(score);
  if (args.distance_bias != nullptr) add_distance_bias<V>(args, layout, block);
  if (args.relative.index != nullptr) add_position_terms<V, NR>(args, layout, block);
  float inverse[kQueryBlock];
  softmax_block<V>(args, layout, block, inverse);

  GemmF32Args mix{};
  mix.a = scores;
  mix.lda = layout.score_stride;
  mix.ldc = args.ldo;
  mix.m = block.count;
  mix.k = block.key_end - block.key_begin;
  for (int column = 0; column < args.head_dim; column += kWidth) {
    const ptrdiff_t panel = static_cast<ptrdiff_t>(column) * args.tokens;
    mix.b = args.scratch + layout.values + panel + static_cast<ptrdiff_t>(block.key_begin) * kWidth;
    mix.c = args.out + block.first * args.ldo + column;
    mix.n = args.head_dim - column < kWidth ? args.head_dim - column : kWidth;
    gemm_f32_all<V, NR>(mix);
  }
  for (int i = 0; i < block.count; ++i) {
    scale_all<V>(inverse[i], args.out + (block.first + i) * args.ldo, static_cast<size_t>(args.head_dim));
  }
}

template <typename V, int NR>
inline void attention_all(const AttentionF32Args& args) noexcept {
  constexpr int kWidth = NR * V::kLanes;
  const AttentionScratch layout = attention_scratch<V, NR>(args.tokens, args.head_dim, args.relative.index);
  pack_keys<V, NR>(args, args.scratch);
  pack_values<V, NR>(args, args.scratch + layout.values);
  const int queries = args.queries > 0 ? args.queries : args.tokens;
  for (int first = 0; first < queries; first += kQueryBlock) {
    const int count = queries - first < kQueryBlock ? queries - first : kQueryBlock;
    const int last = first + count - 1;
    if (args.relative.queries != nullptr && first % kPositionQueries == 0) {
      multiply_keys<V, NR>(args, layout, first, queries);
    }
    const int begin = first > args.window ? (first - args.window) / kWidth * kWidth : 0;
    const int end = args.tokens - 1 - last > args.window ? last + args.window + 1 : args.tokens;
    attention_block<V, NR>(args, layout, {first, count, begin, end});
  }
}

}  // namespace
}  // namespace vivace
