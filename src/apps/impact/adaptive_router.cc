#include "apps/impact/adaptive_router.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "apps/impact/message.h"

namespace vivace {
namespace {

constexpr std::array<std::string_view, 5> kReasoning = {"calculate", "prove", "reason", "step by step", "analyze"};
constexpr std::array<std::string_view, 8> kFactual = {"tell me about",    "who is",  "what is",    "where is",
                                                      "what happened in", "date of", "historical", "how many"};
constexpr std::array<std::string_view, 6> kCreative = {"write a story", "poem", "joke", "creative", "imagine", "song"};

long count_phrases(std::string_view text, std::span<const std::string_view> phrases) {
  return std::ranges::count_if(phrases, [&](std::string_view phrase) { return text.find(phrase) != text.npos; });
}

double share_of(long part, size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string_view intent_name(Intent intent) {
  switch (intent) {
    case Intent::kGeneral: return "general";
    case Intent::kReasoning: return "reasoning";
    case Intent::kFactual: return "factual";
    case Intent::kCreative: return "creative";
  }
  return "general";
}

Intent classify_intent(std::string_view text) {
  const std::string lower = normalize_text(text);
  Intent intent = Intent::kGeneral;
  long most = 0;
  const auto consider = [&](Intent candidate, std::span<const std::string_view> phrases) {
    const long count = count_phrases(lower, phrases);
    if (count <= most) return;
    most = count;
    intent = candidate;
  };
  consider(Intent::kReasoning, kReasoning);
  consider(Intent::kFactual, kFactual);
  consider(Intent::kCreative, kCreative);
  return intent;
}

std::string_view lane_name(Lane lane) {
  return lane == Lane::kFast ? "fast" : "deliberation";
}

Result<Outcome> parse_outcome(std::string_view name) {
  if (name == "success") return Outcome::kSuccess;
  if (name == "failure") return Outcome::kFailure;
  if (name == "timeout") return Outcome::kTimeout;
  return error(StatusCode::kInvalidArgument, "an outcome is success, failure or timeout");
}

AdaptiveRouter::AdaptiveRouter(RouterConfig config) : m_config(config), m_threshold(config.impact_threshold) {}

double AdaptiveRouter::adjusted(double threshold, Intent intent) const {
  if (intent == Intent::kFactual) return std::min(threshold, m_config.factual_at_most);
  if (intent == Intent::kCreative) return std::max(threshold, m_config.creative_at_least);
  return threshold;
}

RoutingDecision AdaptiveRouter::route(double impact_score, std::string_view content) {
  RoutingDecision decision;
  decision.impact_score = impact_score;
  decision.intent = classify_intent(content);
  const std::lock_guard lock(m_mutex);
  decision.dynamic_threshold = adjusted(m_threshold, decision.intent);
  if (impact_score >= decision.dynamic_threshold) deliberate(&decision);
  remember(&decision);
  return decision;
}

RoutingDecision AdaptiveRouter::force_deliberation(std::string reason) {
  RoutingDecision decision;
  deliberate(&decision);
  decision.impact_score = 1;
  decision.forced = true;
  decision.force_reason = std::move(reason);
  const std::lock_guard lock(m_mutex);
  ++m_counts.forced;
  remember(&decision);
  return decision;
}

void AdaptiveRouter::deliberate(RoutingDecision* decision) const {
  decision->lane = Lane::kDeliberation;
  decision->estimated_wait_seconds = m_config.deliberation_timeout_seconds;
  decision->opa_enforced = true;
}

void AdaptiveRouter::remember(RoutingDecision* decision) {
  decision->id = m_next_id++;
  ++(decision->lane == Lane::kFast ? m_counts.fast : m_counts.deliberated);
  m_history.push_back({.id = decision->id, .lane = decision->lane, .outcome = std::nullopt, .feedback = std::nullopt});
  if (m_history.size() > m_config.history) m_history.pop_front();
}

Result<void> AdaptiveRouter::report_outcome(uint64_t id, Outcome outcome, std::optional<double> feedback) {
  if (feedback && !(*feedback >= 0 && *feedback <= 1)) {
    return error(StatusCode::kInvalidArgument, fmt::format("feedback is {}, expected 0 to 1", *feedback));
  }
  const std::lock_guard lock(m_mutex);
  if (m_history.empty() || id < m_history.front().id || id >= m_next_id) {
    return error(StatusCode::kNotFound, fmt::format("decision {} is not among the last {}", id, m_history.size()));
  }
  Entry& entry = m_history[id - m_history.front().id];
  entry.outcome = outcome;
  entry.feedback = feedback;
  return {};
}

double AdaptiveRouter::learn_threshold() {
  const std::lock_guard lock(m_mutex);
  const size_t considered = std::min(m_history.size(), m_config.learn_window);
  if (m_history.size() < m_config.learn_from_entries || considered == 0) return m_threshold;
  const std::ptrdiff_t skipped =
      static_cast<std::ptrdiff_t>(m_history.size()) - static_cast<std::ptrdiff_t>(considered);
  const auto begin = m_history.begin() + skipped;
  const long needless = std::count_if(begin, m_history.end(), [&](const Entry& entry) {
    return entry.lane == Lane::kDeliberation &&
           entry.feedback.value_or(m_config.missing_feedback) > m_config.needless_feedback;
  });
  const long missed = std::count_if(begin, m_history.end(), [](const Entry& entry) {
    return entry.lane == Lane::kFast && (entry.outcome == Outcome::kFailure || entry.outcome == Outcome::kTimeout);
  });
  double threshold = m_threshold;
  if (share_of(needless, considered) > m_config.false_positive_rate) {
    threshold += m_config.step;
  } else if (share_of(missed, considered) > m_config.false_negative_rate) {
    threshold -= m_config.step;
  } else {
    return m_threshold;
  }
  m_threshold = std::clamp(threshold, m_config.lowest_threshold, m_config.highest_threshold);
  return m_threshold;
}

void AdaptiveRouter::set_impact_threshold(double threshold) {
  if (std::isnan(threshold)) return;
  const std::lock_guard lock(m_mutex);
  m_threshold = std::clamp(threshold, 0.0, 1.0);
}

double AdaptiveRouter::impact_threshold() const {
  const std::lock_guard lock(m_mutex);
  return m_threshold;
}

RouterStatus AdaptiveRouter::status() const {
  const std::lock_guard lock(m_mutex);
  RouterStatus status = m_counts;
  status.impact_threshold = m_threshold;
  status.remembered = m_history.size();
  return status;
}

}  // namespace vivace
