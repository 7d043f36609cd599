#include "text/word_alignment.h"

#include <algorithm>
#include <cstddef>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

// White space, and the four separators that Python's str.split() takes for it.
bool is_blank(char32_t c) {
  return (c >= 0x1C && c <= 0x1F) || code_point_info(c).has(kWhiteSpace);
}

}  // namespace

std::vector<TokenOffset> find_words(std::string_view text) {
  std::vector<TokenOffset> words;
  bool in_word = false;
  int32_t index = 0;
  for (size_t position = 0; position < text.size(); ++index) {
    const bool blank = is_blank(next_code_point(text, &position));
    if (!blank && !in_word) words.push_back({index, index});
    if (!blank) words.back().end = index + 1;
    in_word = !blank;
  }
  return words;
}

std::vector<int32_t> words_of_tokens(std::span<const TokenOffset> words, std::span<const TokenOffset> offsets) {
  std::vector<int32_t> word_of_token;
  word_of_token.reserve(offsets.size());
  for (const TokenOffset& offset : offsets) {
    // The first word that ends behind the token's begin: the one that it begins in, or the next after blanks.
    const auto word = std::upper_bound(words.begin(), words.end(), offset.begin,
                                       [](int32_t begin, const TokenOffset& w) { return begin < w.end; });
    const auto next = word == words.end() ? word : word + 1;
    const bool reaches_next = next != words.end() && offset.end > next->begin;
    const bool belongs = offset.begin < offset.end && word != words.end() && offset.end >= word->begin && !reaches_next;
    word_of_token.push_back(belongs ? static_cast<int32_t>(word - words.begin()) : WordAlignment::kNoWord);
  }
  return word_of_token;
}

WordAlignment align_words(std::string_view text, std::span<const TokenOffset> offsets) {
  WordAlignment alignment{.words = find_words(text), .word_of_token = {}};
  alignment.word_of_token = words_of_tokens(alignment.words, offsets);
  return alignment;
}

}  // namespace vivace
