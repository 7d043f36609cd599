#include "apps/detection/word_scores.h"

#include <algorithm>
#include <map>

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

void add_token(float score, WordScore* word) {
  word->score += static_cast<double>(score);
  ++word->tokens;
}

void take_mean(WordScore* word) {
  word->score /= static_cast<double>(std::max<size_t>(word->tokens, 1));
}

bool is_special(const TokenOffset& offset) {
  return offset == TokenOffset();
}

struct TokenRange {
  size_t begin = 0;
  size_t end = 0;
};

// The tokens that are nearer to this window's middle than to that of another that has them too: a window's neighbours
// take half of what it shares with them.
TokenRange own_tokens(std::span<const ScoredWindow> windows, size_t index, size_t overlap) {
  const std::span<const TokenOffset> offsets = windows[index].offsets;
  TokenRange own{.begin = 0, .end = offsets.size()};
  if (index > 0) {
    while (own.begin < own.end && is_special(offsets[own.begin])) ++own.begin;
    own.begin = std::min(own.end, own.begin + overlap - overlap / 2);
  }
  if (index + 1 < windows.size()) {
    while (own.end > own.begin && is_special(offsets[own.end - 1])) --own.end;
    own.end = std::max(own.begin, own.end - std::min(own.end, overlap / 2));
  }
  return own;
}

}  // namespace

std::vector<WordScore> score_words(std::string_view text, std::span<const TokenOffset> offsets,
                                   std::span<const float> scores, OffsetRule rule) {
  const WordAlignment alignment = align_words(text, offsets);
  const std::vector<int32_t> word_of_token =
      rule == OffsetRule::kTrimmed ? alignment.word_of_token : strict_words(alignment, offsets);
  std::vector<WordScore> words(alignment.words.size());
  for (size_t i = 0; i < word_of_token.size(); ++i) {
    if (word_of_token[i] != WordAlignment::kNoWord) add_token(scores[i], &words[static_cast<size_t>(word_of_token[i])]);
  }
  for (WordScore& word : words) take_mean(&word);
  return words;
}

WindowedScores score_windows(std::string_view text, std::span<const ScoredWindow> windows, size_t overlap) {
  const std::vector<TokenOffset> words = find_words(text);
  WindowedScores scored;
  scored.words.resize(words.size());
  std::vector<WordScore> whole(words.size());  // over each token once
  std::vector<size_t> in_first_window(words.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto& [offsets, scores] = windows[i];
    const std::vector<int32_t> word_of_token = words_of_tokens(words, offsets);
    const TokenRange own = own_tokens(windows, i, overlap);
    // By word: the work of a window must not grow with the text.
    std::map<size_t, WordScore> seen;
    for (size_t token = 0; token < offsets.size(); ++token) {
      if (word_of_token[token] == WordAlignment::kNoWord) continue;
      const auto word = static_cast<size_t>(word_of_token[token]);
      add_token(scores[token], &seen[word]);
      if (token >= own.begin && token < own.end) add_token(scores[token], &whole[word]);
    }
    for (auto& [word, score] : seen) {
      take_mean(&score);
      if (i == 0) in_first_window[word] = score.tokens;
      if (score.tokens > scored.words[word].tokens) scored.words[word] = score;
    }
  }
  for (size_t word = 0; word < whole.size(); ++word) {
    take_mean(&whole[word]);
    if (whole[word].tokens > scored.words[word].tokens) scored.words[word] = whole[word];
    scored.truncated_words += whole[word].tokens > in_first_window[word] ? 1 : 0;
  }
  return scored;
}

}  // namespace vivace
