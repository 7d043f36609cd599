// UTF-8: checking, decoding, counting. All texts inside Vivace are valid UTF-8; these functions stand at its borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vivace {

inline constexpr size_t kValidUtf8 = static_cast<size_t>(-1);

// Byte position of the first invalid sequence (overlong forms, surrogates and values past U+10FFFF included), or
// kValidUtf8.
size_t find_invalid_utf8(std::string_view text);

// The code point that starts at text[*position]; advances *position past it. The text must be valid UTF-8.
char32_t next_code_point(std::string_view text, size_t* position);

// Appends the UTF-8 form of a code point (not a surrogate, ≤ U+10FFFF).
void append_utf8(char32_t code_point, std::string* out);

// Number of code points in valid UTF-8.
size_t count_code_points(std::string_view text);

// A name that came from outside, made fit for a one-line message: control characters become '?', and what is longer
// than 100 bytes is cut at a code point and ends in "...".
std::string printable(std::string_view text);

}  // namespace vivace
