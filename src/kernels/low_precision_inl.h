// Activations made ready for products of less than fp32, on a product P (see gemm_inl.h) that says how it stores them.
#pragma once

#include "kernels/gemm_inl.h"

namespace vivace {
namespace {

// A row whose largest value is below this is taken as zeros: 127 / max would not be finite.
constexpr float kSmallestMaximum = 1e-30F;

template <typename V>
inline float largest_magnitude(const float* x, int n) {
  auto m0 = V::zero();
  auto m1 = V::zero();
  int i = 0;
  for (; i + 2 * V::kLanes <= n; i += 2 * V::kLanes) {
    m0 = V::max(m0, V::abs(V::load(x + i)));
    m1 = V::max(m1, V::abs(V::load(x + i + V::kLanes)));
  }
  for (; i + V::kLanes <= n; i += V::kLanes) m0 = V::max(m0, V::abs(V::load(x + i)));
  if (i < n) m1 = V::max(m1, V::abs(V::load_first(x + i, n - i)));
  return V::reduce_max(V::max(m0, m1));
}

// Whole vectors are stored, so zeros stand behind the last value.
template <typename P, typename Transform>
inline void store_row(const float* x, int n, typename P::A* out, Transform transform) {
  using V = typename P::Vector;
  int i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) P::store(out + i, transform(V::load(x + i)));
  if (i < n) P::store(out + i, transform(V::load_first(x + i, n - i)));
}

template <typename P>
inline void prepare_rows(const PrepareArgs& args) noexcept {
  using V = typename P::Vector;
  for (int row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    auto* out = static_cast<typename P::A*>(args.out) + row * args.ldo;
    if constexpr (P::kHasScales) {
      const float largest = largest_magnitude<V>(x, args.k);
      const bool is_zero = largest < kSmallestMaximum;
      args.scales[row] = is_zero ? 0.0F : largest / 127.0F;
      const auto inverse = V::broadcast(is_zero ? 0.0F : 127.0F / largest);
      store_row<P>(x, args.k, out, [inverse](auto v) { return V::round(V::mul(v, inverse)); });
    } else {
      store_row<P>(x, args.k, out, [](auto v) { return v; });
    }
  }
}

template <typename P, int NR>
constexpr LowPrecisionKernels make_low_precision() {
  return {
      .depth = P::kDepth,
      .activation_bytes = static_cast<int>(sizeof(typename P::A)),
      .prepare = prepare_rows<P>,
      .gemm = gemm_all<P, NR>,
  };
}

}  // namespace
}  // namespace vivace
