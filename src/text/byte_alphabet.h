// The characters that GPT-2 writes for bytes in its vocabulary: printable Latin-1 stands for itself, the other 68 bytes
// become U+0100 to U+0143 in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vivace {

char32_t byte_to_character(uint8_t byte);
std::optional<uint8_t> character_to_byte(char32_t character);

// The bytes that text (UTF-8) stands for; nullopt when a character is none of the alphabet's.
std::optional<std::string> characters_to_bytes(std::string_view text);

}  // namespace vivace
