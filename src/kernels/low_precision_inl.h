// Activations made ready for products of less than fp32, on a product P (see gemm_inl.h) that says how it stores them.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/norm_inl.h"

namespace vivace {
namespace {

// A row whose values lie closer together than this is taken as zeros: 255 / range would not be finite.
constexpr float kSmallestRange = 1e-30F;

struct RowRange {
  float lowest;   // 0 at most
  float highest;  // 0 at least
};

template <typename V>
inline void widen_range(const float* x, int n, typename V::Reg* lowest, typename V::Reg* highest) {
  auto low = *lowest;
  auto high = *highest;
  int i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    const auto v = V::load(x + i);
    low = V::min(low, v);
    high = V::max(high, v);
  }
  if (i < n) {
    const auto v = V::load_first(x + i, n - i);
    low = V::min(low, v);
    high = V::max(high, v);
  }
  *lowest = low;
  *highest = high;
}

// Of what lies between the outliers.
template <typename V>
inline RowRange range_of(const float* x, const PrepareArgs& args) {
  auto low = V::zero();
  auto high = V::zero();
  int begin = 0;
  for (int i = 0; i < args.outlier_count; ++i) {
    widen_range<V>(x + begin, args.outliers[i] - begin, &low, &high);
    begin = args.outliers[i] + 1;
  }
  widen_range<V>(x + begin, args.k - begin, &low, &high);
  return {-V::reduce_max(V::sub(V::zero(), low)), V::reduce_max(high)};
}

// Whole vectors are stored, so zeros stand behind the last value.
template <typename P, typename Transform>
inline void store_row(const float* x, int n, typename P::A* out, typename P::Vector::Reg zero, Transform transform) {
  using V = typename P::Vector;
  int i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) P::store(out + i, transform(V::load(x + i)), zero);
  if (i < n) P::store(out + i, transform(V::load_first(x + i, n - i)), zero);
}

// Quantises a row of that range.
template <typename P>
inline void quantise_row(const PrepareArgs& args, int row, RowRange range) {
  using V = typename P::Vector;
  const float* x = args.x + row * args.ldx;
  for (int i = 0; i < args.outlier_count; ++i) {
    args.outlier_values[row * args.outlier_count + i] = x[args.outliers[i]];
  }
  const float width = range.highest - range.lowest;
  const bool is_zero = width < kSmallestRange;
  const float inverse = is_zero ? 0.0F : 255.0F / width;
  const float zero = __builtin_nearbyintf(-range.lowest * inverse);
  args.scales[row] = is_zero ? 0.0F : width / 255.0F;
  args.zeros[row] = static_cast<int32_t>(zero >= 0.0F && zero <= 255.0F ? zero : 0.0F);
  const auto factor = V::broadcast(inverse);
  const auto most = V::broadcast(255.0F - zero);  // rounding both ends up would take 257 steps
  store_row<P>(x, args.k, static_cast<typename P::A*>(args.out) + row * args.ldo, V::broadcast(zero),
               [factor, most](auto v) { return V::min(V::round(V::mul(v, factor)), most); });
}

template <typename P>
inline void prepare_rows(const PrepareArgs& args) noexcept {
  using V = typename P::Vector;
  for (int row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    if constexpr (P::kHasScales) {
      quantise_row<P>(args, row, range_of<V>(x, args));
    } else {
      store_row<P>(x, args.k, static_cast<typename P::A*>(args.out) + row * args.ldo, V::zero(),
                   [](auto v) { return v; });
    }
  }
}

// The range of a row whose vectors pass by one after the other.
template <typename V>
class RangeWatch {
 public:
  RangeWatch(const int32_t* outliers, int count) : m_outlier(outliers), m_end(outliers + count) {}

  // The row's values from `first` on.
  void see(typename V::Reg v, int first) {
    if (m_outlier != m_end && *m_outlier < first + V::kLanes) {
      v = without_outliers(v, first, m_outlier, m_end);
      while (m_outlier != m_end && *m_outlier < first + V::kLanes) ++m_outlier;
    }
    m_lowest = V::min(m_lowest, v);
    m_highest = V::max(m_highest, v);
  }
  RowRange range() const { return {-V::reduce_max(V::sub(V::zero(), m_lowest)), V::reduce_max(m_highest)}; }

 private:
  // Zeros in their places, which every range reaches anyway.
  static typename V::Reg without_outliers(typename V::Reg v, int first, const int32_t* outlier, const int32_t* end) {
    float lanes[V::kLanes];
    V::store(lanes, v);
    for (; outlier != end && *outlier < first + V::kLanes; ++outlier) lanes[*outlier - first] = 0;
    return V::load(lanes);
  }

  const int32_t* m_outlier;
  const int32_t* m_end;
  typename V::Reg m_lowest = V::zero();
  typename V::Reg m_highest = V::zero();
};

template <typename P>
inline void layer_norm_rows(const LayerNormF32Args& norm, const PrepareArgs& args) noexcept {
  using V = typename P::Vector;
  for (int row = 0; row < norm.rows; ++row) {
    const float* x = norm.x + row * norm.ldx;
    float* out = norm.out + row * norm.ldo;
    if constexpr (P::kHasScales) {
      RangeWatch<V> watch(args.outliers, args.outlier_count);
      layer_norm_row<V>(norm, x, out, [&watch](auto v, int first) { watch.see(v, first); });
      quantise_row<P>(args, row, watch.range());
    } else {
      auto* prepared = static_cast<typename P::A*>(args.out) + row * args.ldo;
      layer_norm_row<V>(norm, x, out, [prepared](auto v, int first) { P::store(prepared + first, v, V::zero()); });
    }
  }
}

template <typename P, int NR>
constexpr LowPrecisionKernels make_low_precision() {
  return {
      .depth = P::kDepth,
      .activation_bytes = static_cast<int>(sizeof(typename P::A)),
      .prepare = prepare_rows<P>,
      .layer_norm = layer_norm_rows<P>,
      .gemm = gemm_all<P, NR>,
  };
}

}  // namespace
}  // namespace vivace
