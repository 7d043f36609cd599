// The words of a text, as detection counts them: what stands between white space.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace vivace {

// Views into the text (valid UTF-8).
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace vivace
