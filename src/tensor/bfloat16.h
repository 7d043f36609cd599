// bf16: the upper half of an fp32 number.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace vivace {

// The nearest bf16, ties to even. What is not a number stays so.
inline uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

inline float from_bf16(uint16_t x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x) << 16);
}

}  // namespace vivace
