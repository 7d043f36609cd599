// GPT-2's split of a text into words with the blank before them, numbers, and runs of other characters.
//
// The expression is '(s|t|re|ve|m|ll|d) | ?\p{L}+ | ?\p{N}+ | ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+. Written by hand: it
// is several times faster, and knows the package's version of Unicode.
#pragma once

#include <cstddef>
#include <string_view>

namespace vivace {

// End of the piece that starts at begin < text.size(). The pieces cover every text (UTF-8).
size_t byte_level_piece_end(std::string_view text, size_t begin);

}  // namespace vivace
