#include "apps/detection/sentence_checks.h"

#include <fmt/format.h>

#include "apps/detection/words.h"

namespace vivace {

std::optional<SentenceProblem> check_sentences(std::span<const std::string> sentences, const SentenceLimits& limits) {
  if (sentences.empty()) return SentenceProblem{std::nullopt, "there must be at least 1 sentence"};
  if (sentences.size() > limits.max_sentences) {
    return SentenceProblem{std::nullopt, fmt::format("there are {} sentences, the limit is {}; send several requests",
                                                     sentences.size(), limits.max_sentences)};
  }
  for (size_t i = 0; i < sentences.size(); ++i) {
    const size_t words = split_words(sentences[i]).size();
    if (words == 0) return SentenceProblem{i, fmt::format("sentence {} is blank", i)};
    if (words <= limits.max_words) continue;
    return SentenceProblem{
        i, fmt::format("sentence {} has {} words, the limit is {}; split it", i, words, limits.max_words)};
  }
  return std::nullopt;
}

}  // namespace vivace
