// What a request's sentences must be before they are worth reading.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace vivace {

struct SentenceLimits {
  size_t max_sentences = 120;
  size_t max_words = 350;  // of a sentence
};

struct SentenceProblem {
  std::optional<size_t> sentence;  // nullopt: the list as a whole
  std::string message;
};

// The first problem, nullopt where there is none.
std::optional<SentenceProblem> check_sentences(std::span<const std::string> sentences, const SentenceLimits& limits);

}  // namespace vivace
