// The impact of messages: seven factors, their weighted sum and the boosts. Keywords always; with a chain of backends
// also the meaning of the text, by the first backend that answers. Remembers agents, so the order of messages matters
// for the volume and drift factors. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/impact/agent_histories.h"
#include "apps/impact/message.h"
#include "apps/impact/scoring_config.h"
#include "apps/impact/semantic_model.h"
#include "base/status.h"

namespace vivace {

enum class UseModel { kYes, kNo };  // kNo: keywords only

struct BackendStatus {
  std::string name;
  uint64_t calls = 0;
  uint64_t failures = 0;
  std::string last_error;
  ResultCacheStats cache;
};

struct ScorerStatus {
  std::vector<BackendStatus> backends;  // in the order in which they are asked; "keywords" is the last
  size_t agents = 0;
  size_t forgotten_agents = 0;
  uint64_t refused_hashes = 0;
};

class ImpactScorer {
 public:
  static constexpr size_t kMaxBatch = 1000;

  // kInvalidArgument for a wrong configuration or gates outside [0,1].
  static Result<std::unique_ptr<ImpactScorer>> make(ScoringConfig config, std::vector<SemanticBackend> backends = {},
                                                    AgentHistories::Clock clock = std::chrono::steady_clock::now);

  // kInvalidArgument when the message carries another constitutional hash than the configured one. A backend that
  // fails is no error: the next one is asked, in the end the keywords, and the analysis is marked as degraded. Neither
  // is a deadline that passes: the keywords take no time.
  Result<ImpactAnalysis> score(const ScoreRequest& request, UseModel use_model = UseModel::kYes,
                               const RequestLimits& limits = {});

  // The same for several, in order, with one call of the backend for all texts. kTooLarge for more than kMaxBatch; any
  // wrong hash refuses the whole batch and names the message, before an agent's history is touched.
  Result<std::vector<ImpactAnalysis>> score_batch(std::span<const ScoreRequest> requests,
                                                  UseModel use_model = UseModel::kYes,
                                                  const RequestLimits& limits = {});

  // What both of them ask first, for callers that have a score already. Counts what it refuses.
  Result<void> check_hashes(std::span<const ScoreRequest> requests);

  const ScoringConfig& config() const { return m_config; }
  ScorerStatus status() const;
  void forget_agents() { m_histories.clear(); }

 private:
  struct Backend {
    Backend(SemanticBackend backend, const std::vector<std::string>& keywords) : model(std::move(backend), keywords) {}
    SemanticModel model;
    std::atomic<uint64_t> calls = 0;
    std::atomic<uint64_t> failures = 0;
    mutable std::mutex mutex;
    std::string last_error;  // guarded by mutex
  };
  // What the chain said about the texts of one call.
  struct ChainAnswer {
    const Backend* backend = nullptr;  // nullptr: the keywords alone
    bool degraded = false;
    std::vector<Similarity> similarities;
  };

  ImpactScorer(ScoringConfig config, std::vector<SemanticBackend> backends, AgentHistories::Clock clock);
  ChainAnswer ask_chain(const std::vector<std::string>& texts, const RequestLimits& limits);
  ImpactAnalysis analyse(const ScoreRequest& request, const std::string& text, const ChainAnswer& chain,
                         const Similarity& similarity);
  void set_semantic(const ScoreRequest& request, const std::string& text, const ChainAnswer& chain,
                    ImpactAnalysis* analysis) const;
  void combine(ImpactAnalysis* analysis) const;

  const ScoringConfig m_config;
  std::vector<std::unique_ptr<Backend>> m_backends;
  AgentHistories m_histories;
  std::atomic<uint64_t> m_keyword_calls = 0;
  std::atomic<uint64_t> m_refused_hashes = 0;
};

}  // namespace vivace
