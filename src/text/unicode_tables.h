// What the `tokenizers` package knows of each code point, in one lookup: its class, combining class, canonical
// decomposition and lowercase form. Constant data, thread-safe.
#pragma once

#include <array>
#include <span>

#include "text/unicode_data.h"

namespace vivace {

// code_point ≤ U+10FFFF.
inline const CodePointInfo& code_point_info(char32_t code_point) {
  const uint32_t block = unicode_data::kBlocks[code_point >> unicode_data::kBlockBits];
  const uint32_t within = code_point & (unicode_data::kBlockSize - 1);
  return unicode_data::kInfos[unicode_data::kCells[block * unicode_data::kBlockSize + within]];
}

// The full canonical decomposition of a code point that kDecomposes; a Hangul syllable's is written to *hangul.
std::span<const char32_t> canonical_decomposition(char32_t code_point, const CodePointInfo& info,
                                                  std::array<char32_t, 3>* hangul);

// The lowercase form of a code point that kHasLowercase.
inline std::span<const char32_t> lowercase_form(const CodePointInfo& info) {
  return {unicode_data::kMapped + info.lowercase_begin, info.lowercase_length};
}

}  // namespace vivace
