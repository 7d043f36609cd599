// What attention multiplies, in the form in which a product P (see gemm_inl.h) reads it: rows of words and panels of
// words, a word being the four bytes that P's step takes of a row: one fp32 or a pair of bf16.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/low_precision_inl.h"

namespace vivace {
namespace {

template <int kMultiple>
inline int round_up_to(int n) {
  return (n + kMultiple - 1) / kMultiple * kMultiple;
}

template <typename P>
inline int words_of(int values) {
  static_assert(sizeof(typename P::A) * P::kDepth == sizeof(float));
  return (values + P::kDepth - 1) / P::kDepth;
}

template <typename P>
struct OperandRows {
  const typename P::A* data;
  ptrdiff_t ld;  // in values
};

// Words of one row that operand_rows() writes, whole cache lines: none where rows are read as they are.
template <typename P>
inline int words_of_operand_row(int head_dim) {
  return P::kDepth == 1 ? 0 : round_up_to<16>(words_of<P>(head_dim));
}

// Rows of head_dim values, written to `memory` unless P reads fp32.
template <typename P>
inline OperandRows<P> operand_rows(const float* x, ptrdiff_t ldx, int rows, int head_dim, float* memory) {
  if constexpr (P::kDepth == 1) {
    return {x, ldx};
  } else {
    using V = typename P::Vector;
    auto* out = reinterpret_cast<typename P::A*>(memory);
    const ptrdiff_t ld = static_cast<ptrdiff_t>(words_of_operand_row<P>(head_dim)) * P::kDepth;
    for (int i = 0; i < rows; ++i) {
      store_row<P>(x + i * ldx, head_dim, out + i * ld, V::zero(), [](auto v) { return v; });
    }
    return {out, ld};
  }
}

// Panels of keys: panel p holds, for each word d, those of the keys p·width …. Keys past the last one are zeros.
template <typename P, int NR>
inline void pack_keys(const OperandRows<P>& keys, int tokens, int head_dim, float* packed) {
  using V = typename P::Vector;
  constexpr int kWidth = NR * V::kLanes;
  const auto* rows = reinterpret_cast<const float*>(keys.data);
  const ptrdiff_t ld = keys.ld / P::kDepth;
  const int words = words_of<P>(head_dim);
  const int whole = words / V::kLanes * V::kLanes;
  for (int first = 0; first < tokens; first += V::kLanes) {
    float* target = packed + static_cast<ptrdiff_t>(first / kWidth) * kWidth * words + first % kWidth;
    const float* source = rows + first * ld;
    const int count = tokens - first < V::kLanes ? tokens - first : V::kLanes;
    int d = 0;
    if (count == V::kLanes) {
      for (; d < whole; d += V::kLanes) V::transpose(source + d, ld, target + d * kWidth, kWidth);
    }
    for (; d < words; ++d) {
      for (int j = 0; j < V::kLanes; ++j) target[d * kWidth + j] = j < count ? source[j * ld + d] : 0.0F;
    }
  }
}

// Panels of values: panel p holds, for each word of keys, the values v[key][p·width …]. Columns past head_dim and keys
// past the last one are zeros.
template <typename P, int NR>
inline void pack_values(const AttentionArgs& args, float* packed) {
  using V = typename P::Vector;
  constexpr int kWidth = NR * V::kLanes;
  for (int first = 0; first < args.head_dim; first += kWidth) {
    for (int j = 0; j < args.tokens; j += P::kDepth, packed += kWidth) {
      const float* row = args.v + j * args.ld + first;
      for (int d = 0; d < kWidth; d += V::kLanes) {
        const int rest = args.head_dim - first - d;
        const int count = rest >= V::kLanes ? V::kLanes : rest > 0 ? rest : 0;
        const auto load = [count](const float* p) { return count == V::kLanes ? V::load(p) : V::load_first(p, count); };
        if constexpr (P::kDepth == 1) {
          V::store(packed + d, load(row + d));
        } else {
          P::store_pairs(packed + d, load(row + d), j + 1 < args.tokens ? load(row + args.ld + d) : V::zero());
        }
      }
    }
  }
}

// c[m][n] = the rows' k values times panels.
struct AttentionProduct {
  const void* panels;
  float* c;
  ptrdiff_t ldc;
  int m;
  int n;
  int k;
};
template <typename P, int NR>
inline void multiply_rows(const OperandRows<P>& rows, const AttentionProduct& product) {
  typename P::Args args{};
  args.a = rows.data;
  args.lda = rows.ld;
  args.b = static_cast<const typename P::B*>(product.panels);
  args.c = product.c;
  args.ldc = product.ldc;
  args.m = product.m;
  args.n = product.n;
  args.k = product.k;
  gemm_all<P, NR>(args);
}

}  // namespace
}  // namespace vivace
