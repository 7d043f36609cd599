#include "apps/detection/word_scores.h"

#include <algorithm>

#include "text/word_alignment.h"

namespace vivace {
namespace {

// The words of tokens that are inside one with all their blanks.
std::vector<int32_t> strict_words(const WordAlignment& alignment, std::span<const TokenOffset> offsets) {
  std::vector<int32_t> words = alignment.word_of_token;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == WordAlignment::kNoWord) continue;
    const TokenOffset& word = alignment.words[static_cast<size_t>(words[i])];
    if (offsets[i].begin < word.begin || offsets[i].end > word.end) words[i] = WordAlignment::kNoWord;
  }
  return words;
}

}  // namespace

std::vector<WordScore> score_words(std::string_view text, std::span<const TokenOffset> offsets,
                                   std::span<const float> scores, OffsetRule rule) {
  const WordAlignment alignment = align_words(text, offsets);
  const std::vector<int32_t> word_of_token =
      rule == OffsetRule::kTrimmed ? alignment.word_of_token : strict_words(alignment, offsets);
  std::vector<WordScore> words(alignment.words.size());
  for (size_t i = 0; i < word_of_token.size(); ++i) {
    if (word_of_token[i] == WordAlignment::kNoWord) continue;
    WordScore& word = words[static_cast<size_t>(word_of_token[i])];
    word.score += static_cast<double>(scores[i]);
    ++word.tokens;
  }
  for (WordScore& word : words) word.score /= static_cast<double>(std::max<size_t>(word.tokens, 1));
  return words;
}

std::vector<WordScore> merge_windows(std::span<const std::vector<WordScore>> windows) {
  std::vector<WordScore> merged = windows.front();
  for (const std::vector<WordScore>& window : windows.subspan(1)) {
    for (size_t word = 0; word < merged.size(); ++word) {
      if (window[word].tokens > merged[word].tokens) merged[word] = window[word];
    }
  }
  return merged;
}

}  // namespace vivace
