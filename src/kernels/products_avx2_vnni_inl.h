// Products of int8 and int4 for CPUs with VPDPBUSD of 32 bytes (AVX-VNNI). See products_avx512_vnni_inl.h: this is the
// same on half the registers' width.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/vector_avx2_inl.h"

namespace vivace {
namespace {

// Activations are q + zero, so a sum begins at -zero · the sum of the column's weights.
struct ProductNativeInt8 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = uint8_t;
  using B = int8_t;
  using Sum = __m256i;
  using Operand = __m256i;
  static constexpr int kDepth = 4;
  static constexpr int kParts = 1;
  static constexpr bool kHasScales = true;

  static Sum start(const TileTarget& target, int row, int column) {
    const auto* offsets = reinterpret_cast<const __m256i*>(target.column_offsets + column);
    return _mm256_mullo_epi32(_mm256_set1_epi32(target.row_zeros[row]), _mm256_loadu_si256(offsets));
  }
  static Operand load(const B* b, int) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)); }
  static Operand broadcast(const A* a) {
    int quad;
    __builtin_memcpy(&quad, a, sizeof quad);
    return _mm256_set1_epi32(quad);
  }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
  static VectorF32::Reg to_float(Sum sum) { return _mm256_cvtepi32_ps(sum); }

  static void store(A* out, VectorF32::Reg x, VectorF32::Reg zero) {
    const __m256i whole = _mm256_cvtps_epi32(_mm256_add_ps(x, zero));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(words, words));
  }
};

// Two weights in a byte. Each is multiplied where it stands in the upper half of one, which is 16 times its value and
// has its sign: a group's sum is 16 times too large until it is scaled, at most 32 · 255 · 128.
struct ProductNativeInt4 : ProductNativeInt8 {
  static constexpr int kGroup = 32;

  static Sum zero() { return _mm256_setzero_si256(); }
  static Operand load(const B* b, int half) {
    const __m256i both = ProductNativeInt8::load(b, 0);
    return _mm256_and_si256(half == 0 ? _mm256_slli_epi16(both, 4) : both, _mm256_set1_epi8(static_cast<char>(0xF0)));
  }
  static Operand load_factors(const B* factors) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(factors)));
  }
  static Sum add_scaled(Sum part, Operand factor, Sum sum) {
    return _mm256_add_epi32(sum, _mm256_mullo_epi32(_mm256_srai_epi32(part, 4), factor));
  }
};

}  // namespace
}  // namespace vivace
