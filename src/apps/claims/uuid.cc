#include "apps/claims/uuid.h"

#include <sys/random.h>

#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "base/check.h"

namespace vivace {
namespace {

bool is_hexadecimal(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_dash_place(size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

}  // namespace

std::string random_uuid() {
  std::array<uint64_t, 2> bits{};
  // Requests of up to 256 bytes are never cut short.
  CHECK(getrandom(bits.data(), sizeof(bits), 0) == sizeof(bits));
  const uint64_t high = (bits[0] & ~uint64_t{0xF000}) | 0x4000;
  const uint64_t low = (bits[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFF);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_dash_place(i) ? text[i] != '-' : !is_hexadecimal(text[i])) return false;
  }
  return true;
}

}  // namespace vivace
