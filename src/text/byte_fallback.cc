#include "text/byte_fallback.h"

namespace vivace {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";

std::optional<uint8_t> digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<uint8_t>(digit - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::string byte_token(uint8_t byte) {
  return std::string("<0x") + kDigits[byte >> 4U] + kDigits[byte & 15U] + ">";
}

std::optional<uint8_t> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  const std::optional<uint8_t> low = digit_value(token[4]);
  if (!low) return std::nullopt;
  if (token[3] == '+') return low;  // the package's number parser takes a sign
  const std::optional<uint8_t> high = digit_value(token[3]);
  if (!high) return std::nullopt;
  return static_cast<uint8_t>(*high * 16 + *low);
}

}  // namespace vivace
