#include "tensor/four_bit_panel.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace vivace {
namespace {

constexpr float kLargestFactor = 127.0F;

int groups_of(int k) {
  return (k + kFourBitGroup - 1) / kFourBitGroup;
}

size_t factor_bytes(int k, int width) {
  return (static_cast<size_t>(groups_of(k)) * static_cast<size_t>(width) + 63) / 64 * 64;
}

// The weight of largest magnitude, with its sign.
float largest_of(std::span<const float> weights) {
  float largest = 0;
  for (const float w : weights) largest = std::abs(w) > std::abs(largest) ? w : largest;
  return largest;
}

struct Place {
  std::byte* byte;
  int shift;
};

Place place_of(const FourBitPanel& panel, int column, int input) {
  const int group = input / kFourBitGroup;
  const int step = input % kFourBitGroup / (2 * panel.depth);
  const int rest = input % (2 * panel.depth);
  const ptrdiff_t steps = static_cast<ptrdiff_t>(group) * (kFourBitGroup / 2 / panel.depth) + step;
  std::byte* weights = panel.data + factor_bytes(panel.k, panel.width);
  return {weights + (steps * panel.width + column) * panel.depth + rest % panel.depth, rest < panel.depth ? 0 : 4};
}

int8_t* factor_of(const FourBitPanel& panel, int column, int input) {
  return reinterpret_cast<int8_t*>(panel.data) + static_cast<ptrdiff_t>(input / kFourBitGroup) * panel.width + column;
}

}  // namespace

size_t four_bit_panel_bytes(int k, int width) {
  const size_t group_bytes = static_cast<size_t>(kFourBitGroup) / 2 * static_cast<size_t>(width);
  return factor_bytes(k, width) + static_cast<size_t>(groups_of(k)) * group_bytes;
}

FourBitColumn pack_four_bits(const float* weights, const FourBitPanel& panel, int column) {
  const std::span<const float> all(weights, static_cast<size_t>(panel.k));
  const float scale = std::abs(largest_of(all)) / (8 * kLargestFactor);
  if (!std::isnormal(scale) || !std::isnormal(1 / scale)) return {};
  int32_t sum = 0;
  for (int first = 0; first < panel.k; first += kFourBitGroup) {
    const auto group = all.subspan(static_cast<size_t>(first),
                                   std::min<size_t>(kFourBitGroup, all.size() - static_cast<size_t>(first)));
    const float largest = largest_of(group);
    // Rounded away from zero, so that no weight is beyond -8 factors.
    const float size = std::min(kLargestFactor, std::ceil(std::abs(largest) / (8 * scale)));
    if (size == 0) continue;
    const int factor = static_cast<int>(largest > 0 ? -size : size);
    *factor_of(panel, column, first) = static_cast<int8_t>(factor);
    const float inverse = 1 / (scale * static_cast<float>(factor));
    for (size_t i = 0; i < group.size(); ++i) {
      const int q = std::clamp(static_cast<int>(std::nearbyint(group[i] * inverse)), -8, 7);
      const Place place = place_of(panel, column, first + static_cast<int>(i));
      *place.byte |= static_cast<std::byte>((q & 15) << place.shift);
      sum += factor * q;
    }
  }
  return {scale, -sum};
}

int four_bit_weight(const FourBitPanel& panel, int column, int input) {
  const Place place = place_of(panel, column, input);
  const int bits = static_cast<int>(*place.byte >> place.shift) & 15;
  return *factor_of(panel, column, input) * (bits < 8 ? bits : bits - 16);
}

}  // namespace vivace
