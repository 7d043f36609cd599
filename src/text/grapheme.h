// Extended grapheme clusters (Unicode Standard Annex 29): what a reader sees as one character.
#pragma once

#include <cstddef>
#include <string_view>

namespace vivace {

// Where the cluster that starts at text[begin] ends. text is UTF-8, begin < text.size() the start of a cluster.
size_t grapheme_end(std::string_view text, size_t begin);

}  // namespace vivace
