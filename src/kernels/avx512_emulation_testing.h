// AVX-512 without an AVX-512 CPU: SIMDe's definitions of the intrinsics, and plain ones of those that it lacks. The
// build puts this header before avx512_*.cc, so that the tests run the very code of these tables on any machine.
#pragma once

#include <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cmath>
#include <cstdint>
#include <cstring>

// The intrinsics that SIMDe lacks, under the names that the macros below give to AVX-512's.
namespace vivace_emulated {
namespace {

using Floats = simde__m512;
using Integers = simde__m512i;

template <typename To, typename From>
To bits_of(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

struct Lanes {
  float f[16];
};
struct IntegerLanes {
  int32_t i[16];
};

Floats load_masked(simde__mmask16 mask, const void* p) {
  Lanes lanes{};
  for (int l = 0; l < 16; ++l) {
    if ((mask >> l & 1) != 0) std::memcpy(&lanes.f[l], static_cast<const char*>(p) + l * 4, 4);
  }
  return bits_of<Floats>(lanes);
}

void store_masked(void* p, simde__mmask16 mask, Floats x) {
  const auto lanes = bits_of<Lanes>(x);
  for (int l = 0; l < 16; ++l) {
    if ((mask >> l & 1) != 0) std::memcpy(static_cast<char*>(p) + l * 4, &lanes.f[l], 4);
  }
}

// Halves are added first, as the compilers' sequences do.
float reduce_add(Floats x) {
  auto lanes = bits_of<Lanes>(x);
  for (int half = 8; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) lanes.f[l] += lanes.f[l + half];
  }
  return lanes.f[0];
}

float reduce_max(Floats x) {
  const auto lanes = bits_of<Lanes>(x);
  float most = lanes.f[0];
  for (const float f : lanes.f) most = f > most ? f : most;
  return most;
}

// Of what the tables ask for: not a number, or infinite.
simde__mmask16 classify(Floats x, int classes) {
  const auto lanes = bits_of<Lanes>(x);
  unsigned mask = 0;
  for (int l = 0; l < 16; ++l) {
    if (classes == 0x99 && !std::isfinite(lanes.f[l])) mask |= 1U << l;
  }
  return static_cast<simde__mmask16>(mask);
}

Floats gather(Integers index, const void* base, int scale) {
  const auto at = bits_of<IntegerLanes>(index);
  Lanes lanes;
  for (int l = 0; l < 16; ++l) {
    std::memcpy(&lanes.f[l], static_cast<const char*>(base) + static_cast<ptrdiff_t>(at.i[l]) * scale, 4);
  }
  return bits_of<Floats>(lanes);
}

// What cannot be converted becomes the smallest integer.
Integers to_integers(Floats x) {
  const auto lanes = bits_of<Lanes>(x);
  IntegerLanes whole;
  for (int l = 0; l < 16; ++l) {
    const float rounded = std::nearbyint(lanes.f[l]);
    whole.i[l] = std::abs(rounded) < 2147483648.0F ? static_cast<int32_t>(rounded) : INT32_MIN;
  }
  return bits_of<Integers>(whole);
}

Floats to_floats(Integers x) {
  const auto whole = bits_of<IntegerLanes>(x);
  Lanes lanes;
  for (int l = 0; l < 16; ++l) lanes.f[l] = static_cast<float>(whole.i[l]);
  return bits_of<Floats>(lanes);
}

// The low part of each integer.
template <typename Vector, typename Part>
Vector narrow(Integers x) {
  const auto whole = bits_of<IntegerLanes>(x);
  Part parts[16];
  for (int l = 0; l < 16; ++l) parts[l] = static_cast<Part>(whole.i[l]);
  Vector out;
  static_assert(sizeof out == sizeof parts);
  std::memcpy(&out, parts, sizeof out);
  return out;
}

Integers widen(__m128i x) {
  int8_t parts[16];
  std::memcpy(parts, &x, sizeof parts);
  IntegerLanes whole;
  for (int l = 0; l < 16; ++l) whole.i[l] = parts[l];
  return bits_of<Integers>(whole);
}

Integers shift_right(Integers x, unsigned bits) {
  auto whole = bits_of<IntegerLanes>(x);
  for (int32_t& i : whole.i) i >>= bits;
  return bits_of<Integers>(whole);
}

// VCVTNEPS2BF16: to nearest, ties to even; subnormal numbers become zeros.
simde__m256bh to_bf16(Floats x) {
  const auto bits = bits_of<IntegerLanes>(x);
  uint16_t out[16];
  for (int l = 0; l < 16; ++l) {
    const auto b = static_cast<uint32_t>(bits.i[l]);
    const uint32_t magnitude = b & 0x7FFFFFFFU;
    uint32_t rounded = (b + 0x7FFFU + (b >> 16 & 1U)) >> 16;
    if (magnitude > 0x7F800000U) rounded = b >> 16 | 0x40U;
    if (magnitude < 0x00800000U) rounded = b >> 16 & 0x8000U;
    out[l] = static_cast<uint16_t>(rounded);
  }
  simde__m256bh result;
  std::memcpy(&result, out, sizeof out);
  return result;
}

}  // namespace
}  // namespace vivace_emulated

#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm512_reduce_add_ps
#undef _mm512_reduce_max_ps
#undef _mm512_fpclass_ps_mask
#undef _mm512_i32gather_ps
#undef _mm512_cvtps_epi32
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtepi32_epi8
#undef _mm512_cvtepi32_epi16
#undef _mm512_cvtepi8_epi32
#undef _mm512_cvtneps_pbh
#undef _mm512_srai_epi32
#undef _mm512_madd_epi16
#undef _mm512_shuffle_f32x4
#define _mm512_maskz_loadu_ps(mask, p) vivace_emulated::load_masked(mask, p)
#define _mm512_mask_storeu_ps(p, mask, x) vivace_emulated::store_masked(p, mask, x)
#define _mm512_reduce_add_ps(x) vivace_emulated::reduce_add(x)
#define _mm512_reduce_max_ps(x) vivace_emulated::reduce_max(x)
#define _mm512_fpclass_ps_mask(x, classes) vivace_emulated::classify(x, classes)
#define _mm512_i32gather_ps(index, base, scale) vivace_emulated::gather(index, base, scale)
#define _mm512_cvtps_epi32(x) vivace_emulated::to_integers(x)
#define _mm512_cvtepi32_ps(x) vivace_emulated::to_floats(x)
#define _mm512_cvtepi32_epi8(x) (vivace_emulated::narrow<__m128i, uint8_t>(x))
#define _mm512_cvtepi32_epi16(x) (vivace_emulated::narrow<__m256i, uint16_t>(x))
#define _mm512_cvtepi8_epi32(x) vivace_emulated::widen(x)
#define _mm512_cvtneps_pbh(x) vivace_emulated::to_bf16(x)
#define _mm512_srai_epi32(x, bits) vivace_emulated::shift_right(x, bits)
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
#define _mm512_shuffle_f32x4(a, b, order) simde_mm512_shuffle_f32x4(a, b, order)
