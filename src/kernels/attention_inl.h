// Attention of one head in one sequence, on a vector type V and the matrix tiles of gemm_inl.h.
//
// Keys are laid out transposed and values as they are, both in panels, once for the head. Then, for each block of
// queries: scores by one product, softmax in place, the weighted sum of values by another. A block of 24 queries has at
// most 24 × 512 scores = 48 KiB, which stay in L2 at worst; no tokens × tokens matrix is ever written.
#pragma once

#include "kernels/gemm_inl.h"

namespace vivace {
namespace {

template <int kWidth>
inline int round_up_to(int n) {
  return (n + kWidth - 1) / kWidth * kWidth;
}

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

// Where the parts of an attention's scratch memory begin, in floats. Each starts on a cache line.
struct AttentionScratch {
  size_t values = 0;               // packed; the packed keys are at 0
  size_t scores = 0;               // of a block of queries
  size_t content_to_position = 0;  // of a block of queries
  size_t position_to_content = 0;  // of all keys
  size_t floats = 0;
  int score_stride = 0;
  int key_stride = 0;       // keys rounded up to whole panels
  int position_stride = 0;  // positions that the sequence can reach, wherever in the panels they lie
};

template <typename V, int NR>
inline AttentionScratch attention_scratch(int tokens, int head_dim, int positions) {
  constexpr int kWidth = NR * V::kLanes;
  const auto area = [](int rows, int columns) {
    return (static_cast<size_t>(rows) * static_cast<size_t>(columns) + 15) / 16 * 16;
  };
  AttentionScratch s;
  s.key_stride = round_up_to<kWidth>(tokens);
  s.score_stride = s.key_stride + V::kLanes;  // the softmax of a window writes whole vectors
  s.position_stride = round_up_to<kWidth>(positions) + kWidth;
  s.values = area(s.key_stride, head_dim);
  s.scores = s.values + area(round_up_to<kWidth>(head_dim), tokens);
  s.content_to_position = s.scores + area(s.score_stride, kQueryBlock);
  s.position_to_content = s.content_to_position + (positions > 0 ? area(s.position_stride, kQueryBlock) : 0);
  s.floats = s.position_to_content + area(positions, s.key_stride);
  return s;
}

// One head's packed operands and the range of positions that its tokens can be apart.
struct AttentionState {
  AttentionScratch layout;
  int first_position;
  int last_position;
  int first_column;  // first_position rounded down to a whole panel
};

// Queries first … first + count - 1 and the keys that any of them sees; key_begin is the first of a panel.
struct AttentionBlock {
  int first;
  int count;
  int key_begin;
  int key_end;
};

template <typename V, int NR>
inline AttentionState prepare_attention(const AttentionF32Args& args) {
  constexpr int kWidth = NR * V::kLanes;
  AttentionState state{};
  int positions = 0;
  if (args.relative.index != nullptr) {
    const int before = args.relative.index[1 - args.tokens];
    const int after = args.relative.index[args.tokens - 1];
    state.first_position = before < after ? before : after;
    state.last_position = before < after ? after : before;
    state.first_column = state.first_position / kWidth * kWidth;
    positions = state.last_position - state.first_position + 1;
  }
  state.layout = attention_scratch<V, NR>(args.tokens, args.head_dim, positions);
  pack_keys<V, NR>(args, args.scratch);
  pack_values<V, NR>(args, args.scratch + state.layout.values);
  if (args.relative.queries != nullptr) {
    GemmF32Args product{};
    product.a = args.relative.queries + state.first_position * args.relative.ld;
    product.lda = args.relative.ld;
    product.b = args.scratch;
    product.c = args.scratch + state.layout.position_to_content;
    product.ldc = state.layout.key_stride;
    product.m = positions;
    product.n = round_up_to<V::kLanes>(args.tokens);
    product.k = args.head_dim;
    gemm_f32_all<V, NR>(product);
  }
  return state;
}

// Adds what depends on the distance of query and key to the block's scores.
template <typename V, int NR>
inline void add_distance_terms(const AttentionF32Args& args, const AttentionState& state, const AttentionBlock& block) {
  const RelativePositionsF32& relative = args.relative;
  float* by_position = args.scratch + state.layout.content_to_position;
  const float* by_key = args.scratch + state.layout.position_to_content;
  if (relative.keys != nullptr) {
    GemmF32Args product{};
    product.a = args.q + block.first * args.ld;
    product.lda = args.ld;
    product.b = relative.keys + static_cast<ptrdiff_t>(state.first_column) * args.head_dim;
    product.c = by_position;
    product.ldc = state.layout.position_stride;
    product.m = block.count;
    product.n = state.last_position - state.first_column + 1;
    product.k = args.head_dim;
    gemm_f32_all<V, NR>(product);
  }
  for (int i = 0; i < block.count; ++i) {
    float* scores = args.scratch + state.layout.scores + i * state.layout.score_stride;
    const float* row = by_position + i * state.layout.position_stride;
    for (int j = block.key_begin; j < block.key_end; j += V::kLanes) {
      const int distance = j - (block.first + i);
      auto score = V::load(scores + j - block.key_begin);
      if (args.distance_bias != nullptr) score = V::add(score, V::load(args.distance_bias + distance));
      if (relative.keys != nullptr) {
        score = V::add(score, V::gather(row, relative.index + distance, state.first_column));
      }
      if (relative.queries != nullptr) {
        score = V::add(score, V::gather_columns(by_key + j, relative.index + distance, state.first_position,
                                                state.layout.key_stride));
      }
      V::store(scores + j - block.key_begin, score);
    }
  }
}

// The softmax of each query over the keys it sees, zeros for the others; inverse[i] is one over the sum of row i.
template <typename V>
inline void softmax_block(const AttentionF32Args& args, const AttentionState& state, const AttentionBlock& block,
                          float* inverse) {
  for (int i = 0; i < block.count; ++i) {
    float* scores = args.scratch + state.layout.scores + i * state.layout.score_stride;
    const int query = block.first + i;
    const int begin = query > args.window ? query - args.window : 0;
    const int end = args.tokens - 1 - query > args.window ? query + args.window + 1 : args.tokens;
    inverse[i] = softmax_row<V>(scores + begin - block.key_begin, end - begin, args.scale);
    for (int j = block.key_begin; j < begin; ++j) scores[j - block.key_begin] = 0;
    for (int j = end; j < block.key_end; ++j) scores[j - block.key_begin] = 0;
  }
}

template <typename V, int NR>
inline void attention_block(const AttentionF32Args& args, const AttentionState& state, const AttentionBlock& block) {
  constexpr int kWidth = NR * V::kLanes;
  float* scores = args.scratch + state.layout.scores;
  GemmF32Args score{};
  score.a = args.q + block.first * args.ld;
  score.lda = args.ld;
  score.b = args.scratch + static_cast<ptrdiff_t>(block.key_begin) * args.head_dim;
  score.c = scores;
  score.ldc = state.layout.score_stride;
  score.m = block.count;
  score.n = round_up_to<V::kLanes>(block.key_end - block.key_begin);  // whole vectors: the softmax clears the rest
  score.k = args.head_dim;
  gemm_f32_all<V, NR>(score);
  if (args.distance_bias != nullptr || args.relative.index != nullptr) {
    add_distance_terms<V, NR>(args, state, block);
  }
  float inverse[kQueryBlock];
  softmax_block<V>(args, state, block, inverse);

  GemmF32Args mix{};
  mix.a = scores;
  mix.lda = state.layout.score_stride;
  mix.ldc = args.ldo;
  mix.m = block.count;
  mix.k = block.key_end - block.key_begin;
  for (int column = 0; column < args.head_dim; column += kWidth) {
    const ptrdiff_t panel = static_cast<ptrdiff_t>(column) * args.tokens;
    mix.b = args.scratch + state.layout.values + panel + static_cast<ptrdiff_t>(block.key_begin) * kWidth;
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
  const AttentionState state = prepare_attention<V, NR>(args);
  const int queries = args.queries > 0 ? args.queries : args.tokens;
  for (int first = 0; first < queries; first += kQueryBlock) {
    const int count = queries - first < kQueryBlock ? queries - first : kQueryBlock;
    const int last = first + count - 1;
    const int begin = first > args.window ? (first - args.window) / kWidth * kWidth : 0;
    const int end = args.tokens - 1 - last > args.window ? last + args.window + 1 : args.tokens;
    attention_block<V, NR>(args, state, {first, count, begin, end});
  }
}

}  // namespace
}  // namespace vivace
