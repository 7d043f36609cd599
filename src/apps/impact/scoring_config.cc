#include "apps/impact/scoring_config.h"

#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace vivace {
namespace {

constexpr int kMaxAgents = 10'000'000;
constexpr int kMaxDriftHistory = 1000;
constexpr size_t kMaxKeywords = 1000;
constexpr double kMaxVolumeCount = 10'000;
constexpr double kRounding = 1e-9;

struct KnownModel {
  std::string_view name;
  SemanticGates gates;
};

// all-MiniLM-L6-v2's pair is what `vivace impact calibrate` finds on examples/impact/messages.jsonl.
constexpr std::array kKnownModels = {
    KnownModel{"distilbert-base-uncased", {.without_keywords = 0.95, .with_keywords = 0.85}},
    KnownModel{"all-MiniLM-L6-v2", {.without_keywords = 0.734, .with_keywords = 0.92}},
};

Result<void> wrong(std::string_view field, std::string_view rule, double value) {
  return error(StatusCode::kInvalidArgument, fmt::format("impact: {} is {}, expected {}", field, value, rule));
}

// Written so that not-a-number fails.
Result<void> check_share(std::string_view field, double value) {
  if (value >= 0 && value <= 1) return {};
  return wrong(field, "0 to 1", value);
}

Result<void> check_steps(std::string_view field, const std::vector<CountStep>& steps, double most) {
  double last = 0;
  for (const CountStep& step : steps) {
    RETURN_IF_ERROR(check_share(field, step.value));
    if (!(step.from > last && step.from <= most)) {
      return wrong(field, fmt::format("rising counts up to {}", most), step.from);
    }
    last = step.from;
  }
  return {};
}

Result<void> check_weights(const FactorWeights& weights) {
  const std::array named = {
      std::pair("weights.semantic", weights.semantic), std::pair("weights.permission", weights.permission),
      std::pair("weights.volume", weights.volume),     std::pair("weights.context", weights.context),
      std::pair("weights.drift", weights.drift),       std::pair("weights.priority", weights.priority),
      std::pair("weights.type", weights.type)};
  double sum = 0;
  for (const auto& [name, weight] : named) {
    RETURN_IF_ERROR(check_share(name, weight));
    sum += weight;
  }
  if (sum > 1 + kRounding) return wrong("the sum of the weights", "at most 1", sum);
  return {};
}

Result<void> check_keywords(const std::vector<std::string>& keywords) {
  if (keywords.size() > kMaxKeywords) {
    return wrong("the number of keywords", fmt::format("at most {}", kMaxKeywords),
                 static_cast<double>(keywords.size()));
  }
  for (const std::string& keyword : keywords) {
    if (keyword.empty())
      return error(StatusCode::kInvalidArgument, "impact: a keyword is empty; it would match always");
  }
  return {};
}

}  // namespace

const SemanticGates* known_gates(std::string_view model_name) {
  while (model_name.ends_with('/')) model_name.remove_suffix(1);
  model_name = model_name.substr(model_name.rfind('/') + 1);
  for (const KnownModel& model : kKnownModels) {
    if (model.name == model_name) return &model.gates;
  }
  return nullptr;
}

Result<void> validate(const ScoringConfig& config) {
  RETURN_IF_ERROR(check_weights(config.weights));
  const std::array shares = {
      std::pair("critical_priority_boost", config.critical_priority_boost),
      std::pair("critical_priority_threshold", config.critical_priority_threshold),
      std::pair("high_semantic_boost", config.high_semantic_boost),
      std::pair("high_semantic_threshold", config.high_semantic_threshold),
      std::pair("deliberation_threshold", config.deliberation_threshold),
      std::pair("review_threshold", config.review_threshold),
      std::pair("nothing_to_score", config.nothing_to_score),
      std::pair("keyword_base", config.keyword_base),
      std::pair("low_keyword_score", config.low_keyword_score),
      std::pair("gated_share", config.gated_share),
      std::pair("volume_base", config.volume_base),
      std::pair("context_base", config.context_base),
      std::pair("large_amount_bonus", config.large_amount_bonus),
      std::pair("context_base + large_amount_bonus", config.context_base + config.large_amount_bonus),
  };
  for (const auto& [name, value] : shares) RETURN_IF_ERROR(check_share(name, value));
  RETURN_IF_ERROR(check_keywords(config.keywords));
  RETURN_IF_ERROR(check_steps("keyword_steps", config.keyword_steps, static_cast<double>(kMaxKeywords)));
  RETURN_IF_ERROR(check_steps("volume_steps", config.volume_steps, kMaxVolumeCount));
  if (!(config.volume_window_seconds >= 0 && std::isfinite(config.volume_window_seconds))) {
    return wrong("volume_window_seconds", "0 or more", config.volume_window_seconds);
  }
  if (!(config.drift_scale >= 0 && std::isfinite(config.drift_scale))) {
    return wrong("drift_scale", "0 or more", config.drift_scale);
  }
  if (std::isnan(config.large_amount)) return wrong("large_amount", "a number", config.large_amount);
  if (config.max_agents < 1 || config.max_agents > kMaxAgents) {
    return wrong("max_agents", fmt::format("1 to {}", kMaxAgents), config.max_agents);
  }
  if (config.drift_history < 1 || config.drift_history > kMaxDriftHistory) {
    return wrong("drift_history", fmt::format("1 to {}", kMaxDriftHistory), config.drift_history);
  }
  return {};
}

double value_at(const std::vector<CountStep>& steps, double base, double count) {
  double value = base;
  for (const CountStep& step : steps) {
    if (count >= step.from) value = step.value;
  }
  return value;
}

}  // namespace vivace
