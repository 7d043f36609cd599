// Products of bf16 and int8 for AVX-512 without instructions for either: see products_avx2_inl.h.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/vector_avx512_inl.h"

namespace vivace {
namespace {

struct ProductBf16 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = float;
  using B = uint16_t;
  using Sum = __m512;
  using Operand = __m512;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 2;
  static constexpr bool kHasScales = false;

  static Sum start(const TileTarget&, int, int) { return _mm512_setzero_ps(); }
  static Operand load(const B* b, int part) {
    const __m512i pairs = _mm512_loadu_si512(b);
    return _mm512_castsi512_ps(part == 0 ? _mm512_slli_epi32(pairs, 16)
                                         : _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
  static Operand broadcast(const A* a) { return _mm512_set1_ps(*a); }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm512_fmadd_ps(x, w, sum); }
  static VectorF32::Reg to_float(Sum sum) { return sum; }

  // Rounded to the nearest bf16, ties to even; what is not a number stays so.
  static void store(A* out, VectorF32::Reg x, VectorF32::Reg) {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __m512i top = _mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
    const __mmask16 not_a_number = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    _mm512_storeu_ps(out, _mm512_mask_mov_ps(_mm512_castsi512_ps(top), not_a_number, x));
  }
};

struct ProductInt8 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = int16_t;
  using B = int8_t;
  using Sum = __m512i;
  using Operand = __m512i;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 1;
  static constexpr bool kHasScales = true;

  static Sum start(const TileTarget&, int, int) { return _mm512_setzero_si512(); }
  static Operand load(const B* b, int) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
  }
  static Operand broadcast(const A* a) {
    int pair;
    __builtin_memcpy(&pair, a, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w)); }
  static VectorF32::Reg to_float(Sum sum) { return _mm512_cvtepi32_ps(sum); }

  static void store(A* out, VectorF32::Reg x, VectorF32::Reg) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
  }
};

struct ProductInt4 : ProductInt8 {
  static constexpr int kGroup = 32;

  static Sum zero() { return _mm512_setzero_si512(); }
  static Operand load(const B* b, int half) {
    const __m512i both = ProductInt8::load(b, 0);
    return half == 0 ? _mm512_srai_epi16(_mm512_slli_epi16(both, 12), 12) : _mm512_srai_epi16(both, 4);
  }
  static Operand load_factors(const B* factors) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(factors)));
  }
  static Sum add_scaled(Sum part, Operand factor, Sum sum) {
    return _mm512_add_epi32(sum, _mm512_mullo_epi32(part, factor));
  }
};

}  // namespace
}  // namespace vivace
