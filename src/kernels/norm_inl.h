// Layer normalisation and the small elementwise loops, on a vector type V.
#pragma once

#include "kernels/kernel_table.h"

namespace vivace {
namespace {

// Sum over a row of n values of transform(values), in a fixed order: four running sums, then one.
template <typename V, typename Transform>
inline float sum_row(const float* x, int n, Transform transform) {
  auto s0 = V::zero();
  auto s1 = V::zero();
  auto s2 = V::zero();
  auto s3 = V::zero();
  int i = 0;
  for (; i + 4 * V::kLanes <= n; i += 4 * V::kLanes) {
    s0 = transform(s0, V::load(x + i));
    s1 = transform(s1, V::load(x + i + V::kLanes));
    s2 = transform(s2, V::load(x + i + 2 * V::kLanes));
    s3 = transform(s3, V::load(x + i + 3 * V::kLanes));
  }
  for (; i + V::kLanes <= n; i += V::kLanes) s0 = transform(s0, V::load(x + i));
  if (i < n) s1 = V::add(s1, V::keep_first(transform(V::zero(), V::load_first(x + i, n - i)), n - i));
  return V::reduce_add(V::add(V::add(s0, s1), V::add(s2, s3)));
}

// Calls see(values, i) with each vector that it stores at out + i, zeros behind the row's last value.
template <typename V, typename See>
inline void layer_norm_row(const LayerNormF32Args& args, const float* x, float* out, See see) {
  const float count = static_cast<float>(args.n);
  const float mean = sum_row<V>(x, args.n, [](auto sum, auto v) { return V::add(sum, v); }) / count;
  const auto means = V::broadcast(mean);
  const float variance = sum_row<V>(x, args.n,
                                    [means](auto sum, auto v) {
                                      const auto d = V::sub(v, means);
                                      return V::fma(d, d, sum);
                                    }) /
                         count;
  const auto scale = V::broadcast(1.0F / __builtin_sqrtf(variance + args.epsilon));
  int i = 0;
  for (; i + V::kLanes <= args.n; i += V::kLanes) {
    const auto normal = V::mul(V::sub(V::load(x + i), means), scale);
    const auto value = V::fma(normal, V::load(args.gamma + i), V::load(args.beta + i));
    V::store(out + i, value);
    see(value, i);
  }
  if (const int rest = args.n - i; rest > 0) {
    const auto normal = V::mul(V::sub(V::load_first(x + i, rest), means), scale);
    const auto value = V::fma(normal, V::load_first(args.gamma + i, rest), V::load_first(args.beta + i, rest));
    V::store_first(out + i, value, rest);
    see(V::keep_first(value, rest), i);
  }
}

template <typename V>
inline void layer_norm_all(const LayerNormF32Args& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    layer_norm_row<V>(args, args.x + row * args.ldx, args.out + row * args.ldo, [](auto, int) {});
  }
}

template <typename V>
inline void rms_norm_row(const RmsNormF32Args& args, const float* x, float* out) {
  const float squares = sum_row<V>(x, args.n, [](auto sum, auto v) { return V::fma(v, v, sum); });
  const auto scale = V::broadcast(1.0F / __builtin_sqrtf(squares / static_cast<float>(args.n) + args.epsilon));
  int i = 0;
  for (; i + V::kLanes <= args.n; i += V::kLanes) {
    V::store(out + i, V::mul(V::mul(V::load(x + i), scale), V::load(args.gamma + i)));
  }
  if (const int rest = args.n - i; rest > 0) {
    V::store_first(out + i, V::mul(V::mul(V::load_first(x + i, rest), scale), V::load_first(args.gamma + i, rest)),
                   rest);
  }
}

template <typename V>
inline void rms_norm_all(const RmsNormF32Args& args) noexcept {
  for (int row = 0; row < args.rows; ++row) rms_norm_row<V>(args, args.x + row * args.ldx, args.out + row * args.ldo);
}

template <typename V>
inline void add_all(const float* x, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::store(y + i, V::add(V::load(y + i), V::load(x + i)));
  const int rest = static_cast<int>(n - i);
  if (rest > 0) V::store_first(y + i, V::add(V::load_first(y + i, rest), V::load_first(x + i, rest)), rest);
}

template <typename V>
inline void multiply_all(const float* x, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::store(y + i, V::mul(V::load(y + i), V::load(x + i)));
  const int rest = static_cast<int>(n - i);
  if (rest > 0) V::store_first(y + i, V::mul(V::load_first(y + i, rest), V::load_first(x + i, rest)), rest);
}

template <typename V>
inline void scale_all(float factor, float* y, size_t n) noexcept {
  const auto f = V::broadcast(factor);
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::store(y + i, V::mul(V::load(y + i), f));
  const int rest = static_cast<int>(n - i);
  if (rest > 0) V::store_first(y + i, V::mul(V::load_first(y + i, rest), f), rest);
}

template <typename V>
inline float dot_all(const float* x, const float* y, size_t n) noexcept {
  auto sum = V::zero();
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) sum = V::fma(V::load(x + i), V::load(y + i), sum);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) sum = V::fma(V::load_first(x + i, rest), V::load_first(y + i, rest), sum);
  return V::reduce_add(sum);
}

template <typename V>
inline bool all_finite_all(const float* x, size_t n) noexcept {
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    if (!V::all_finite(V::load(x + i))) return false;
  }
  const int rest = static_cast<int>(n - i);
  return rest <= 0 || V::all_finite(V::load_first(x + i, rest));
}

}  // namespace
}  // namespace vivace
