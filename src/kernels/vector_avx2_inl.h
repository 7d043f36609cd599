// Eight floats in a ymm register: the vector type that the *_inl.h kernels are written against, for AVX2 and FMA.
// Included only by avx2_kernels.cc; everything is in an anonymous namespace so that no wide instruction can leak into
// code that runs on older CPUs.
#pragma once

#include <immintrin.h>
#include <cstddef>
#include <cstdint>

namespace vivace {
namespace {

struct VectorF32 {
  using Reg = __m256;
  static constexpr int kLanes = 8;

  static Reg zero() { return _mm256_setzero_ps(); }
  static Reg broadcast(float x) { return _mm256_set1_ps(x); }
  static Reg load(const float* p) { return _mm256_loadu_ps(p); }
  // The first n (0 to kLanes) values, zeros behind them; memory past them is not touched.
  static Reg load_first(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, Reg x) { _mm256_storeu_ps(p, x); }
  static void store_first(float* p, Reg x, int n) { _mm256_maskstore_ps(p, first(n), x); }
  static Reg keep_first(Reg x, int n) { return _mm256_and_ps(x, _mm256_castsi256_ps(first(n))); }

  static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
  static Reg sub(Reg a, Reg b) { return _mm256_sub_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm256_div_ps(a, b); }
  static Reg max(Reg a, Reg b) { return _mm256_max_ps(a, b); }
  static Reg min(Reg a, Reg b) { return _mm256_min_ps(a, b); }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }    // a·b + c
  static Reg fnma(Reg a, Reg b, Reg c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a·b
  static Reg abs(Reg a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
  static Reg round(Reg a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // x · 2^n for whole n; underflows to 0. n is kept at -127 or above, whose biased exponent 0 stands for zero.
  static Reg scale_by_power_of_two(Reg x, Reg n) {
    const __m256i exponent = _mm256_cvtps_epi32(_mm256_max_ps(n, _mm256_set1_ps(-127.0F)));
    const __m256i bits = _mm256_slli_epi32(_mm256_add_epi32(exponent, _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(x, _mm256_castsi256_ps(bits));
  }
  static float reduce_add(Reg a) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  static float reduce_max(Reg a) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
  }
  // True when every lane is finite: x - x is 0 for finite values and not a number for all others.
  static bool all_finite(Reg a) {
    return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_sub_ps(a, a), _mm256_setzero_ps(), _CMP_EQ_OQ)) == 0xFF;
  }
  static void prefetch(uintptr_t address) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it is not read through
    _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T0);
  }

  // Lane l is base[index[l] - first].
  static Reg gather(const float* base, const int32_t* index, int32_t first) {
    const __m256i at =
        _mm256_sub_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), _mm256_set1_epi32(first));
    return _mm256_i32gather_ps(base, at, 4);
  }
  // Lane l is base[index[l] - first], which is among the kLanes values from base on.
  static Reg load_permuted(const float* base, const int32_t* index, int32_t first) {
    const __m256i at =
        _mm256_sub_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), _mm256_set1_epi32(first));
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(base), at);
  }

  // Lane i of r[j] becomes lane j of r[i].
  static void transpose(Reg (&r)[kLanes]);
  // out[j * ldo + i] = p[i * ld + j] for kLanes rows i and columns j.
  static void transpose(const float* p, ptrdiff_t ld, float* out, ptrdiff_t ldo);

 private:
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

// 8×8 by three rounds of two-register shuffles: pairs of floats, pairs of doubles, then 128-bit halves.
inline void VectorF32::transpose(Reg (&r)[kLanes]) {
  __m256 t[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m256 low = r[i];
    const __m256 high = r[4 + i];
    r[i] = _mm256_permute2f128_ps(low, high, 0x20);
    r[4 + i] = _mm256_permute2f128_ps(low, high, 0x31);
  }
}

inline void VectorF32::transpose(const float* p, ptrdiff_t ld, float* out, ptrdiff_t ldo) {
  Reg r[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; ++i) r[i] = load(p + i * ld);
  transpose(r);
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; ++i) store(out + i * ldo, r[i]);
}

}  // namespace
}  // namespace vivace
