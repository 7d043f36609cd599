#include "engine/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace vivace {
namespace {

void softmax(std::span<float> values) {
  const float largest = *std::ranges::max_element(values);
  double sum = 0;
  for (const float value : values) sum += std::exp(static_cast<double>(value) - largest);
  for (float& value : values) value = static_cast<float>(std::exp(static_cast<double>(value) - largest) / sum);
}

}  // namespace

std::vector<float> activate(std::span<const float> logits, ScoreActivation activation) {
  std::vector<float> scores(logits.begin(), logits.end());
  switch (activation) {
    case ScoreActivation::kNone: break;
    case ScoreActivation::kSoftmax:
      if (!scores.empty()) softmax(scores);
      break;
    case ScoreActivation::kSigmoid:
      for (float& score : scores) score = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(score))));
      break;
  }
  return scores;
}

std::vector<LabelScore> best_labels(const std::vector<std::string>& labels, std::span<const float> scores,
                                    size_t top_k) {
  CHECK(labels.size() == scores.size());
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (top_k > 0) order.resize(std::min(order.size(), top_k));
  std::vector<LabelScore> best;
  best.reserve(order.size());
  for (const size_t i : order) best.push_back({labels[i], scores[i]});
  return best;
}

}  // namespace vivace
