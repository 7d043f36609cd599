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

// One of the overlapping windows that a text is read in.
struct ScoredWindow {
  std::span<const TokenOffset> offsets;
  std::span<const float> scores;  // one for each offset
};

struct WindowedScores {
  std::vector<WordScore> words;
  size_t truncated_words = 0;  // with tokens behind the first window
};

// The same for windows that each repeat `overlap` tokens of the one before, special ones not counted; by trimmed
// offsets. A word takes the score of the first window that holds all of its tokens, so what fits into the first window
// keeps that window's score. A word that no window holds whole is the mean of its tokens, each as the window saw it in
// which it is farthest from the edge.
WindowedScores score_windows(std::string_view text, std::span<const ScoredWindow> windows, size_t overlap);

}  // namespace vivace
