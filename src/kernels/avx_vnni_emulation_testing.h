// VPDPBUSD of 32 bytes without AVX-VNNI, for tests on any machine with AVX2.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace vivace_emulated {
namespace {

__m256i add_products_of_bytes(__m256i sums, __m256i a, __m256i b) {
  int32_t sum[8];
  uint8_t x[32];
  int8_t y[32];
  std::memcpy(sum, &sums, sizeof sum);
  std::memcpy(x, &a, sizeof x);
  std::memcpy(y, &b, sizeof y);
  for (int i = 0; i < 32; ++i) sum[i / 4] += x[i] * y[i];
  std::memcpy(&sums, sum, sizeof sum);
  return sums;
}

}  // namespace
}  // namespace vivace_emulated

#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32(sums, a, b) vivace_emulated::add_products_of_bytes(sums, a, b)
