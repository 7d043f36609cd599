// Attention of one head over cached keys and values, on a vector type V: a dot product for each key, the softmax, and
// the weighted sum of values with the head's columns held in registers. Keys and values are read once, in order.
#pragma once

#include "kernels/attention_inl.h"
#include "kernels/norm_inl.h"

namespace vivace {
namespace {

// Columns d … d + N · lanes - 1 of Σ_j weights[j] · v[j], times `factor`.
template <typename V, int N>
inline void mix_columns(const CachedAttentionF32Args& args, int visible, int d, float factor, float* out) {
  decltype(V::zero()) sums[N];
  for (int n = 0; n < N; ++n) sums[n] = V::zero();
  const float* values = args.v + d;
  for (int j = 0; j < visible; ++j, values += args.ld) {
    const auto weight = V::broadcast(args.scratch[j]);
    for (int n = 0; n < N; ++n) sums[n] = V::fma(weight, V::load(values + n * V::kLanes), sums[n]);
  }
  for (int n = 0; n < N; ++n) V::store(out + d + n * V::kLanes, V::mul(sums[n], V::broadcast(factor)));
}

template <typename V>
inline void mix_values(const CachedAttentionF32Args& args, int visible, float factor, float* out) {
  int d = 0;
  for (; d + 4 * V::kLanes <= args.head_dim; d += 4 * V::kLanes) mix_columns<V, 4>(args, visible, d, factor, out);
  for (; d + V::kLanes <= args.head_dim; d += V::kLanes) mix_columns<V, 1>(args, visible, d, factor, out);
  const int rest = args.head_dim - d;
  if (rest == 0) return;
  auto sum = V::zero();
  for (int j = 0; j < visible; ++j) {
    sum = V::fma(V::broadcast(args.scratch[j]), V::load_first(args.v + j * args.ld + d, rest), sum);
  }
  V::store_first(out + d, V::mul(sum, V::broadcast(factor)), rest);
}

template <typename V>
inline void cached_attention_all(const CachedAttentionF32Args& args) noexcept {
  float* scores = args.scratch;
  const auto columns = static_cast<size_t>(args.head_dim);
  for (int i = 0; i < args.queries; ++i) {
    const int visible = args.keys < args.first_visible + i ? args.keys : args.first_visible + i;
    const float* q = args.q + i * args.ldq;
    for (int j = 0; j < visible; ++j) scores[j] = args.scale * dot_all<V>(q, args.k + j * args.ld, columns);
    if (args.distance_bias != nullptr) {
      add_all<V>(args.distance_bias - (visible - 1), scores, static_cast<size_t>(visible));
    }
    const float factor = softmax_row<ProductF32<V>>(scores, visible, 1.0F, scores);
    mix_values<V>(args, visible, factor, args.out + i * args.ldo);
  }
}

}  // namespace
}  // namespace vivace
