#include "server/base64.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace vivace {

static_assert(std::endian::native == std::endian::little, "base64_of_floats writes the memory as it is");

std::string base64(std::span<const std::byte> bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  const auto at = [&](size_t i) { return i < bytes.size() ? std::to_integer<uint32_t>(bytes[i]) : 0U; };
  char* out = text.data();
  for (size_t i = 0; i < bytes.size(); i += 3, out += 4) {
    const uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    if (i + 1 < bytes.size()) out[2] = kAlphabet[group >> 6 & 63];
    if (i + 2 < bytes.size()) out[3] = kAlphabet[group & 63];
  }
  return text;
}

std::string base64_of_floats(std::span<const float> numbers) {
  return base64(std::as_bytes(numbers));
}

}  // namespace vivace
