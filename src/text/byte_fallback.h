// Tokens that stand for single bytes: "<0x00>" to "<0xFF>".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vivace {

// "<0x0A>"
std::string byte_token(uint8_t byte);
// The byte of such a token as decoders read it: hexadecimal digits of either case, "<0x+5>" too.
std::optional<uint8_t> byte_of_token(std::string_view token);

}  // namespace vivace
