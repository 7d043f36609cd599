#include "apps/detection/words.h"

#include "base/utf8.h"
#include "text/word_alignment.h"

namespace vivace {

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t position = 0;  // byte of code point number `index`
  int32_t index = 0;
  const auto advance_to = [&](int32_t target) {
    for (; index < target; ++index) next_code_point(text, &position);
    return position;
  };
  for (const TokenOffset& word : find_words(text)) {
    const size_t begin = advance_to(word.begin);
    words.push_back(text.substr(begin, advance_to(word.end) - begin));
  }
  return words;
}

}  // namespace vivace
