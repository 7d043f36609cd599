// From scores of tokens to one score for each word of a text, where words are what stands between white space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/token_sequence.h"

namespace vivace {

enum class OffsetRule : uint8_t {
  kTrimmed,     // blanks at the ends of a token do not count: "▁word" belongs to "word"
  kCompatible,  // a token counts only when it is fully inside a word, blanks included: most first pieces are lost
};

struct WordScore {
  double score = 0;  // mean of its tokens; 0 without any
  size_t tokens = 0;
};

// One entry for each word of text (UTF-8), which the offsets point into. scores: one for each offset.
std::vector<WordScore> score_words(std::string_view text, std::span<const TokenOffset> offsets,
                                   std::span<const float> scores, OffsetRule rule);

// A long text's words as several overlapping windows saw them; all have the same number of words. A word takes the
// score of the window that holds most of its tokens, the first of these where several do: what fits into the first
// window keeps that window's score.
std::vector<WordScore> merge_windows(std::span<const std::vector<WordScore>> windows);

}  // namespace vivace
