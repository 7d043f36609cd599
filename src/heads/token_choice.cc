#include "heads/token_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace vivace {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

std::vector<int32_t> possible_tokens(std::span<const float> scores) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > kImpossible) tokens.push_back(static_cast<int32_t>(i));
  }
  return tokens;
}

// Tokens that score as much as the k-th stay with it.
void keep_top_k(int k, std::span<float> scores) {
  const auto count = static_cast<size_t>(k);
  if (count >= scores.size()) return;
  std::vector<float> sorted(scores.begin(), scores.end());
  std::ranges::nth_element(sorted, sorted.begin() + (k - 1), std::greater<>());
  const float least = sorted[count - 1];
  for (float& score : scores) {
    if (score < least) score = kImpossible;
  }
}

// Drops the least likely tokens that together have at most 1 - p; the likeliest stays in any case.
void keep_top_p(double p, std::span<float> scores) {
  std::vector<int32_t> tokens = possible_tokens(scores);
  const auto score = [&](int32_t token) { return scores[static_cast<size_t>(token)]; };
  std::ranges::stable_sort(tokens, std::less<>(), score);
  if (tokens.empty()) return;
  const double highest = score(tokens.back());
  double total = 0;
  for (const int32_t token : tokens) total += std::exp(score(token) - highest);
  double dropped = 0;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    dropped += std::exp(score(tokens[i]) - highest) / total;
    if (dropped > 1 - p) break;
    scores[static_cast<size_t>(tokens[i])] = kImpossible;
  }
}

}  // namespace

void penalize(const GenerationOptions& options, const GenerationTokens& tokens, std::span<const int32_t> ids,
              std::span<float> scores) {
  if (options.repetition_penalty != 1) {
    const auto penalty = static_cast<float>(options.repetition_penalty);
    std::vector<int32_t> seen(ids.begin(), ids.end());
    std::ranges::sort(seen);
    seen.erase(std::ranges::unique(seen).begin(), seen.end());
    for (const int32_t id : seen) {
      float& score = scores[static_cast<size_t>(id)];
      score = score < 0 ? score * penalty : score / penalty;
    }
  }
  const auto written = static_cast<int>(ids.size()) - 1;
  if (written < options.min_new_tokens) {
    for (const int32_t end : tokens.ends) scores[static_cast<size_t>(end)] = kImpossible;
  }
}

void log_softmax(std::span<float> scores) {
  const float highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - highest);
  const auto log_sum = static_cast<float>(std::log(sum));
  for (float& score : scores) score = score - highest - log_sum;
}

int32_t likeliest(std::span<const float> scores) {
  return static_cast<int32_t>(std::ranges::max_element(scores) - scores.begin());
}

void keep_candidates(const GenerationOptions& options, std::span<float> scores) {
  CHECK(options.temperature > 0);
  const auto temperature = static_cast<float>(options.temperature);
  for (float& score : scores) score /= temperature;
  if (options.top_k > 0) keep_top_k(options.top_k, scores);
  if (options.top_p < 1) keep_top_p(options.top_p, scores);
}

TokenSampler::TokenSampler(uint64_t seed, uint64_t stream) {
  std::seed_seq sequence{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(stream)};
  m_random.seed(sequence);
}

int32_t TokenSampler::draw(std::span<const float> scores) {
  const std::vector<int32_t> tokens = possible_tokens(scores);
  if (tokens.empty()) return likeliest(scores);
  const float highest = *std::ranges::max_element(scores);
  const auto weight = [&](int32_t token) {
    return std::exp(static_cast<double>(scores[static_cast<size_t>(token)] - highest));
  };
  double total = 0;
  for (const int32_t token : tokens) total += weight(token);
  const double uniform = static_cast<double>(m_random() >> 11) * 0x1p-53;  // from 0 to below 1
  double left = uniform * total;
  for (const int32_t token : tokens) {
    left -= weight(token);
    if (left < 0) return token;
  }
  return tokens.back();
}

}  // namespace vivace
