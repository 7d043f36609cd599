// Base64 with padding (RFC 4648, section 4).
#pragma once

#include <span>
#include <string>

namespace vivace {

// Of the numbers' little-endian IEEE 754 bytes: how OpenAI's clients ask for embeddings by default.
std::string base64_of_floats(std::span<const float> numbers);

std::string base64(std::span<const std::byte> bytes);

}  // namespace vivace
