// What is remembered of each agent: when its last messages came and how they were scored. Bounded: an agent keeps what
// its factors need, and beyond max_agents the one that was silent longest is forgotten. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/impact/scoring_config.h"

namespace vivace {

struct AgentActivity {
  size_t messages = 0;  // earlier ones inside the window, up to the highest count that makes a difference
  double drift = 0;
  size_t remembered = 0;      // semantic factors before this one
  double usual_semantic = 0;  // their mean
};

class AgentHistories {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit AgentHistories(const ScoringConfig& config, Clock clock = std::chrono::steady_clock::now);

  // Counts a message and remembers its semantic factor; the answer is about the messages before it.
  AgentActivity record(std::string_view agent, double semantic);

  size_t agents() const;
  size_t forgotten() const;  // agents dropped for the bound
  void clear();

 private:
  struct History {
    std::string agent;
    std::vector<std::chrono::steady_clock::time_point> times;  // of the messages that still count, the oldest first
    size_t total = 0;                                          // in place of times when messages count forever
    std::vector<double> semantics;                             // the oldest first
  };
  using Histories = std::list<History>;  // the latest to speak in front

  History& touch(std::string_view agent);
  size_t count_message(History* history);

  const size_t m_max_agents;
  const size_t m_max_count;  // above it the volume factor does not change
  const size_t m_max_semantics;
  const double m_drift_scale;
  const std::chrono::duration<double> m_window;
  const Clock m_clock;

  mutable std::mutex m_mutex;  // guards what follows
  Histories m_histories;
  std::unordered_map<std::string_view, Histories::iterator> m_by_agent;  // keys lie in m_histories
  size_t m_forgotten = 0;
};

}  // namespace vivace
