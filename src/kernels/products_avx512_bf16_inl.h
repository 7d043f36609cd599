// Products of bf16 for CPUs with VDPBF16PS, which multiplies 32 pairs of them in one instruction.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/vector_avx512_inl.h"

namespace vivace {
namespace {

struct ProductNativeBf16 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = uint16_t;
  using B = uint16_t;
  using Sum = __m512;
  using Operand = __m512i;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 1;
  static constexpr bool kHasScales = false;

  static Sum start(const TileTarget&, int, int) { return _mm512_setzero_ps(); }
  static Operand load(const B* b, int) { return _mm512_loadu_si512(b); }
  static Operand broadcast(const A* a) {
    int pair;
    __builtin_memcpy(&pair, a, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Sum add_product(Operand x, Operand w, Sum sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
  }
  static VectorF32::Reg to_float(Sum sum) { return sum; }

  static void store(A* out, VectorF32::Reg x, VectorF32::Reg) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), rounded(x));
  }
  // Pairs of both, lane by lane: a step of a panel of which these are the inputs.
  static void store_pairs(float* out, VectorF32::Reg first, VectorF32::Reg second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,  //
                                           23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(rounded(first)), rounded(second), 1);
    _mm512_storeu_si512(out, _mm512_permutexvar_epi16(order, both));
  }

 private:
  static __m256i rounded(VectorF32::Reg x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }
};

}  // namespace
}  // namespace vivace
