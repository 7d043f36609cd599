// Sixteen floats in a zmm register: the vector type that the *_inl.h kernels are written against, for AVX-512.
// Included only by avx512_kernels.cc; everything is in an anonymous namespace so that no wide instruction can leak into
// code that runs on older CPUs.
#pragma once

#include <immintrin.h>
#include <cstddef>
#include <cstdint>

namespace vivace {
namespace {

struct VectorF32 {
  using Reg = __m512;
  static constexpr int kLanes = 16;

  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg broadcast(float x) { return _mm512_set1_ps(x); }
  static Reg load(const float* p) { return _mm512_loadu_ps(p); }
  // The first n (0 to kLanes) values, zeros behind them; memory past them is not touched.
  static Reg load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, Reg x) { _mm512_storeu_ps(p, x); }
  static void store_first(float* p, Reg x, int n) { _mm512_mask_storeu_ps(p, first(n), x); }
  static Reg keep_first(Reg x, int n) { return _mm512_maskz_mov_ps(first(n), x); }

  static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg sub(Reg a, Reg b) { return _mm512_sub_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm512_div_ps(a, b); }
  static Reg max(Reg a, Reg b) { return _mm512_max_ps(a, b); }
  static Reg min(Reg a, Reg b) { return _mm512_min_ps(a, b); }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }    // a·b + c
  static Reg fnma(Reg a, Reg b, Reg c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a·b
  static Reg abs(Reg a) { return _mm512_abs_ps(a); }
  static Reg round(Reg a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // x · 2^n for whole n; underflows to 0.
  static Reg scale_by_power_of_two(Reg x, Reg n) { return _mm512_scalef_ps(x, n); }
  static float reduce_add(Reg a) { return _mm512_reduce_add_ps(a); }
  static float reduce_max(Reg a) { return _mm512_reduce_max_ps(a); }
  // True when every lane is finite.
  static bool all_finite(Reg a) {
    return _mm512_fpclass_ps_mask(a, 0x99) == 0;
  }  // quiet NaN, ±infinity, signalling NaN
  static void prefetch(uintptr_t address) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it is not read through
    _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T0);
  }

  // Lane l is base[index[l] - first].
  static Reg gather(const float* base, const int32_t* index, int32_t first) {
    const __m512i at = _mm512_sub_epi32(_mm512_loadu_si512(index), _mm512_set1_epi32(first));
    return _mm512_i32gather_ps(at, base, 4);
  }
  // Lane l is base[index[l] - first], which is among the kLanes values from base on.
  static Reg load_permuted(const float* base, const int32_t* index, int32_t first) {
    const __m512i at = _mm512_sub_epi32(_mm512_loadu_si512(index), _mm512_set1_epi32(first));
    return _mm512_permutexvar_ps(at, _mm512_loadu_ps(base));
  }

  // Lane i of r[j] becomes lane j of r[i].
  static void transpose(Reg (&r)[kLanes]);
  // out[j * ldo + i] = p[i * ld + j] for kLanes rows i and columns j.
  static void transpose(const float* p, ptrdiff_t ld, float* out, ptrdiff_t ldo);

 private:
  static __mmask16 first(int n) { return static_cast<__mmask16>((1U << n) - 1U); }
};

// 16×16 by four rounds of two-register shuffles: pairs of floats, pairs of doubles, then 128-bit quarters twice.
inline void VectorF32::transpose(Reg (&r)[kLanes]) {
  __m512 t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(t[4 * i]);
    const __m512d b = _mm512_castps_pd(t[4 * i + 1]);
    const __m512d c = _mm512_castps_pd(t[4 * i + 2]);
    const __m512d d = _mm512_castps_pd(t[4 * i + 3]);
    r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xDD);
    t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xDD);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
    r[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
    r[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xDD);
    r[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xDD);
  }
}

inline void VectorF32::transpose(const float* p, ptrdiff_t ld, float* out, ptrdiff_t ldo) {
  Reg r[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) r[i] = load(p + i * ld);
  transpose(r);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) store(out + i * ldo, r[i]);
}

}  // namespace
}  // namespace vivace
