#include "apps/impact/agent_histories.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace vivace {
namespace {

size_t highest_count(const ScoringConfig& config) {
  return config.volume_steps.empty() ? 0 : static_cast<size_t>(std::ceil(config.volume_steps.back().from));
}

}  // namespace

AgentHistories::AgentHistories(const ScoringConfig& config, Clock clock)
    : m_max_agents(static_cast<size_t>(config.max_agents)),
      m_max_count(highest_count(config)),
      m_max_semantics(static_cast<size_t>(config.drift_history)),
      m_drift_scale(config.drift_scale),
      m_window(config.volume_window_seconds),
      m_clock(std::move(clock)) {}

AgentActivity AgentHistories::record(std::string_view agent, double semantic) {
  const std::lock_guard lock(m_mutex);
  History& history = touch(agent);
  AgentActivity activity;
  activity.messages = count_message(&history);
  activity.remembered = history.semantics.size();
  if (activity.remembered > 0) {
    const double sum = std::accumulate(history.semantics.begin(), history.semantics.end(), 0.0);
    activity.usual_semantic = sum / static_cast<double>(activity.remembered);
    activity.drift = std::min(1.0, m_drift_scale * std::abs(semantic - activity.usual_semantic));
  }
  history.semantics.push_back(semantic);
  if (history.semantics.size() > m_max_semantics) history.semantics.erase(history.semantics.begin());
  return activity;
}

AgentHistories::History& AgentHistories::touch(std::string_view agent) {
  if (const auto known = m_by_agent.find(agent); known != m_by_agent.end()) {
    m_histories.splice(m_histories.begin(), m_histories, known->second);
    return m_histories.front();
  }
  if (m_histories.size() >= m_max_agents) {
    m_by_agent.erase(m_histories.back().agent);
    m_histories.pop_back();
    ++m_forgotten;
  }
  m_histories.push_front(History{.agent = std::string(agent), .times = {}, .semantics = {}});
  m_by_agent.emplace(m_histories.front().agent, m_histories.begin());
  return m_histories.front();
}

size_t AgentHistories::count_message(History* history) {
  if (m_window.count() == 0) {
    const size_t before = history->total;
    history->total = std::min(before + 1, m_max_count);
    return before;
  }
  const auto now = m_clock();
  auto& times = history->times;
  std::erase_if(times, [&](const auto& time) { return now - time >= m_window; });
  const size_t before = times.size();
  times.push_back(now);
  if (times.size() > m_max_count) times.erase(times.begin());  // more would change no factor
  return before;
}

size_t AgentHistories::agents() const {
  const std::lock_guard lock(m_mutex);
  return m_histories.size();
}

size_t AgentHistories::forgotten() const {
  const std::lock_guard lock(m_mutex);
  return m_forgotten;
}

void AgentHistories::clear() {
  const std::lock_guard lock(m_mutex);
  m_by_agent.clear();
  m_histories.clear();
}

}  // namespace vivace
