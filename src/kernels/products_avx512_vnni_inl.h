// Products of int8 and int4 for CPUs with VPDPBUSD, which multiplies 64 unsigned bytes by signed ones in one
// instruction.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/vector_avx512_inl.h"

namespace vivace {
namespace {

// Activations are q + zero, so a sum begins at -zero · the sum of the column's weights.
struct ProductNativeInt8 {
  using Vector = VectorF32;
  using Args = GemmLowArgs;
  using A = uint8_t;
  using B = int8_t;
  using Sum = __m512i;
  using Operand = __m512i;
  static constexpr int kDepth = 4;
  static constexpr int kParts = 1;
  static constexpr bool kHasScales = true;

  static Sum start(const TileTarget& target, int row, int column) {
    return _mm512_mullo_epi32(_mm512_set1_epi32(target.row_zeros[row]),
                              _mm512_loadu_si512(target.column_offsets + column));
  }
  static Operand load(const B* b, int) { return _mm512_loadu_si512(b); }
  static Operand broadcast(const A* a) {
    int quad;
    __builtin_memcpy(&quad, a, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
  static Sum add_product(Operand x, Operand w, Sum sum) { return _mm512_dpbusd_epi32(sum, x, w); }
  static VectorF32::Reg to_float(Sum sum) { return _mm512_cvtepi32_ps(sum); }

  static void store(A* out, VectorF32::Reg x, VectorF32::Reg zero) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_add_ps(x, zero))));
  }
};

// Two weights in a byte. Each is multiplied where it stands in the upper half of one, which is 16 times its value and
// has its sign: a group's sum is 16 times too large until it is scaled, at most 32 · 255 · 128.
struct ProductNativeInt4 : ProductNativeInt8 {
  static constexpr int kGroup = 32;

  static Sum zero() { return _mm512_setzero_si512(); }
  static Operand load(const B* b, int half) {
    const __m512i both = _mm512_loadu_si512(b);
    return _mm512_and_si512(half == 0 ? _mm512_slli_epi16(both, 4) : both, _mm512_set1_epi8(static_cast<char>(0xF0)));
  }
  static Operand load_factors(const B* factors) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(factors)));
  }
  static Sum add_scaled(Sum part, Operand factor, Sum sum) {
    return _mm512_add_epi32(sum, _mm512_mullo_epi32(_mm512_srai_epi32(part, 4), factor));
  }
};

}  // namespace
}  // namespace vivace
