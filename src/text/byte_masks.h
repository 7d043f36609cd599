// Which of 64 bytes are of a kind, as masks with a bit for each: what a loop over bytes would take several instructions
// for, and end at a place that no processor can foresee, is found for all of them at once.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace vivace {

inline constexpr size_t kMaskedBytes = 64;

// Bit i: byte i is such a one.
struct ByteMasks {
  uint64_t spaces = 0;
  uint64_t line_feeds = 0;
  uint64_t graphic = 0;    // ASCII that one sees: '!' to '~'
  uint64_t non_ascii = 0;  // 0x80 and above

  bool operator==(const ByteMasks&) const = default;
};

inline ByteMasks masks_byte_by_byte(const char* bytes) {
  ByteMasks masks;
  for (size_t i = 0; i < kMaskedBytes; ++i) {
    const uint8_t byte = static_cast<uint8_t>(bytes[i]);
    masks.spaces |= uint64_t{byte == ' '} << i;
    masks.line_feeds |= uint64_t{byte == '\n'} << i;
    masks.graphic |= uint64_t{byte > ' ' && byte < 0x7F} << i;
    masks.non_ascii |= uint64_t{byte >= 0x80} << i;
  }
  return masks;
}

// Of bytes at any address. SSE2 is part of every x86-64.
inline ByteMasks masks_of(const char* bytes) {
#if defined(__x86_64__)
  ByteMasks masks;
  for (size_t i = 0; i < kMaskedBytes; i += 16) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    const auto gather = [i](__m128i lanes) { return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(lanes))} << i; };
    // Bytes compare as signed numbers, those beyond ASCII below all others.
    const __m128i above_space = _mm_cmpgt_epi8(part, _mm_set1_epi8(' '));
    const __m128i below_delete = _mm_cmplt_epi8(part, _mm_set1_epi8(0x7F));
    masks.spaces |= gather(_mm_cmpeq_epi8(part, _mm_set1_epi8(' ')));
    masks.line_feeds |= gather(_mm_cmpeq_epi8(part, _mm_set1_epi8('\n')));
    masks.graphic |= gather(_mm_and_si128(above_space, below_delete));
    masks.non_ascii |= gather(part);
  }
  return masks;
#else
  return masks_byte_by_byte(bytes);
#endif
}

}  // namespace vivace
