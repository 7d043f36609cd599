// Which tokens belong to which word of a text, where words are what stands between white space.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/token_sequence.h"

namespace vivace {

struct WordAlignment {
  static constexpr int32_t kNoWord = -1;
  std::vector<TokenOffset> words;      // in code points
  std::vector<int32_t> word_of_token;  // index into words; kNoWord for special tokens and tokens over several words
};

// text (UTF-8) is what the offsets point into. Blanks at both ends of a token do not count: "▁word" belongs to "word".
// A token of blanks alone belongs to the word that begins where it ends.
WordAlignment align_words(std::string_view text, std::span<const TokenOffset> offsets);

// Its two parts, for a text whose tokens come in several pieces.
std::vector<TokenOffset> find_words(std::string_view text);
std::vector<int32_t> words_of_tokens(std::span<const TokenOffset> words, std::span<const TokenOffset> offsets);

}  // namespace vivace
