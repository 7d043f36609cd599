// The kernel table of one instruction set, made of the *_inl.h kernels for its vector type. Included only by
// <isa>_kernels.cc, behind the vector type.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/low_precision_inl.h"
#include "kernels/norm_inl.h"

#include "kernels/attention_inl.h"
#include "kernels/cached_attention_inl.h"

namespace vivace {
namespace {

template <typename P, int NR>
size_t attention_scratch_floats(int tokens, int head_dim, const int32_t* index) noexcept {
  return attention_scratch<P, NR>(tokens, head_dim, index).floats;
}

// Sequences of few tokens with a product of their own, where there is one that reads the same operands.
template <typename P, int NR>
void attention_of_any_length(const AttentionArgs& args) noexcept {
  if constexpr (requires { typename P::FewTokens; }) {
    if (args.tokens <= P::kFewTokens) return attention_all<typename P::FewTokens, NR>(args);
  }
  attention_all<P, NR>(args);
}

// Where a bf16 product takes a multiplication for each input of a step, it is done in fp32.
template <typename Bf16>
constexpr bool kHasFastBf16 = Bf16::kParts < Bf16::kDepth;

// KernelTable::full_rows: two tiles of rows, or as many as are multiplied by a step of a panel while L3 gives the next.
constexpr int kFullTiledRows = 32;
constexpr int kFullVectorRows = 4;

template <typename P, int NR>
constexpr AttentionKernels make_attention() {
  return {.run = attention_of_any_length<P, NR>, .scratch = attention_scratch_floats<P, NR>};
}

template <typename Bf16, int NR>
constexpr AttentionKernels make_bf16_attention() {
  if constexpr (kHasFastBf16<Bf16>) {
    return make_attention<Bf16, NR>();
  } else {
    return {};
  }
}

// Kernels on vectors of type V, with these products for less than fp32; panels of packed weights are NR vectors wide.
template <typename Bf16, typename Int8, typename Int4, int NR>
constexpr KernelTable make_kernel_table(const char* name) {
  using V = typename Int8::Vector;
  return {
      .name = name,
      .f32_panel_width = NR * V::kLanes,
      .has_fast_bf16 = kHasFastBf16<Bf16>,
      .full_rows = kIsTiled<Int8> ? kFullTiledRows : kFullVectorRows,
      .gemm_f32 = gemm_f32_all<V, NR>,
      .bf16 = make_low_precision<Bf16, NR>(),
      .int8 = make_low_precision<Int8, NR>(),
      .int4 = make_low_precision<Int4, NR>(),
      .layer_norm_f32 = layer_norm_all<V>,
      .rms_norm_f32 = rms_norm_all<V>,
      .attention_f32 = make_attention<ProductF32<V>, NR>(),
      .attention_bf16 = make_bf16_attention<Bf16, NR>(),
      .cached_attention_f32 = cached_attention_all<V>,
      .add_f32 = add_all<V>,
      .multiply_f32 = multiply_all<V>,
      .scale_f32 = scale_all<V>,
      .dot_f32 = dot_all<V>,
      .all_finite_f32 = all_finite_all<V>,
  };
}

}  // namespace
}  // namespace vivace
