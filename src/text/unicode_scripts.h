// The writing system of each code point, as the package's UnicodeScripts pre-tokenizer tells them apart.
#pragma once

#include <cstdint>

namespace vivace {

inline constexpr uint16_t kAnyScript = 0;  // stands in words of every script: blanks, combining marks, the unassigned

// A number for each script; Hiragana, Katakana and Han are one. code_point ≤ U+10FFFF.
uint16_t script_of(char32_t code_point);

}  // namespace vivace
