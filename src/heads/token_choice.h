// From the scores of the next token to the token: transformers' logits processors, in its order, and the choice.
#pragma once

#include <cstdint>
#include <random>
#include <span>

#include "heads/generation_options.h"

namespace vivace {

// The processors that all strategies share, on logits or log-probabilities: repetition_penalty, then min_new_tokens.
//   ids     what stands before, the start token included
//   scores  [vocabulary], changed in place
void penalize(const GenerationOptions& options, const GenerationTokens& tokens, std::span<const int32_t> ids,
              std::span<float> scores);

// scores ← log(softmax(scores)).
void log_softmax(std::span<float> scores);

// The first of the highest scores.
int32_t likeliest(std::span<const float> scores);

// The processors that only sampling has: temperature (above 0), top_k, top_p. What is ruled out becomes -infinity.
void keep_candidates(const GenerationOptions& options, std::span<float> scores);

// Draws one token with the probabilities softmax(scores). The same random numbers on every platform.
class TokenSampler {
 public:
  // Sequences of one request draw from streams of their own.
  TokenSampler(uint64_t seed, uint64_t stream);
  int32_t draw(std::span<const float> scores);

 private:
  std::mt19937_64 m_random;
};

}  // namespace vivace
