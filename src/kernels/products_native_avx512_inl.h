// Products of bf16 and int8 for CPUs that have instructions for both: VDPBF16PS multiplies 32 pairs of bf16, VPDPBUSD
// 64 unsigned bytes by signed ones, in one instruction.
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
    const auto rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), rounded);
  }
};

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

}  // namespace
}  // namespace vivace
