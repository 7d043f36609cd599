// Products of bf16 and int8 for AVX2, which has instructions for neither: bf16 weights become fp32 by a shift, int8
// weights become 16 bits, whose products cannot saturate as those of vpmaddubsw do. Both are read in half or a quarter
// of fp32's bytes; vpmaddwd does twice the multiplications of an fp32 FMA.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/vector_avx2_inl.h"

namespace vivace {
namespace {

// A step has two inputs; the low half of a pair is the first.
struct ProductBf16 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = float;
  using B = uint16_t;
  using Sum = __m256;
  using Operand = __m256;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 2;
  static constexpr bool kHasScales = false;

  static Sum start(const TileTarget&, int, int) { return _mm256_setzero_ps(); }
  static Operand load(const B* b, int part) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
    return _mm256_castsi256_ps(part == 0 ? _mm256_slli_epi32(pairs, 16)
                                         : _mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
  static Operand broadcast(const A* a) { return _mm256_broadcast_ss(a); }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm256_fmadd_ps(x, w, sum); }
  static VectorF32::Reg to_float(Sum sum) { return sum; }

  // Rounded to the nearest bf16, ties to even; what is not a number stays so.
  static void store(A* out, VectorF32::Reg x, VectorF32::Reg) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256i top = _mm256_and_si256(rounded, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U)));
    _mm256_storeu_ps(out, _mm256_blendv_ps(_mm256_castsi256_ps(top), x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
  }
};

struct ProductInt8 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = int16_t;
  using B = int8_t;
  using Sum = __m256i;
  using Operand = __m256i;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 1;
  static constexpr bool kHasScales = true;

  static Sum start(const TileTarget&, int, int) { return _mm256_setzero_si256(); }
  static Operand load(const B* b, int) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
  }
  static Operand broadcast(const A* a) {
    int pair;
    __builtin_memcpy(&pair, a, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w)); }
  static VectorF32::Reg to_float(Sum sum) { return _mm256_cvtepi32_ps(sum); }

  static void store(A* out, VectorF32::Reg x, VectorF32::Reg) {
    const __m256i whole = _mm256_cvtps_epi32(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
  }
};

// Two weights in a byte: 16 bits hold the second's bits above the first's.
struct ProductInt4 : ProductInt8 {
  static constexpr int kGroup = 32;

  static Sum zero() { return _mm256_setzero_si256(); }
  static Operand load(const B* b, int half) {
    const __m256i both = ProductInt8::load(b, 0);
    return half == 0 ? _mm256_srai_epi16(_mm256_slli_epi16(both, 12), 12) : _mm256_srai_epi16(both, 4);
  }
  static Operand load_factors(const B* factors) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(factors)));
  }
  static Sum add_scaled(Sum part, Operand factor, Sum sum) {
    return _mm256_add_epi32(sum, _mm256_mullo_epi32(part, factor));
  }
};

}  // namespace
}  // namespace vivace
