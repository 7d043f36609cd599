// Claim verification in a process that serves: the store, the models by their roles, the cache of results, background
// tasks and what they count.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apps/claims/claim_stats.h"
#include "apps/claims/claim_verifier.h"
#include "apps/claims/metric_history.h"
#include "apps/claims/task_runner.h"
#include "runtime/model_registry.h"
#include "store/evidence_store.h"

namespace vivace {

inline constexpr char kEmbedderRole[] = "embedder";
inline constexpr char kEntailmentRole[] = "entailment";

struct ClaimsOptions {
  std::string store;  // see open_evidence_store(); empty: default_store_path()
  size_t cache_bytes = size_t{32} << 20;
  double task_seconds = 300;  // longest time of a background verification
  TaskOptions tasks;
};

// evidence.db in $XDG_STATE_HOME/vivace or ~/.local/state/vivace; empty when neither variable is set.
std::string default_store_path();

class ClaimsService {
 public:
  ClaimsService(ClaimsOptions options, ModelRegistry& models);
  ~ClaimsService();

  // Opens a store that exists and goes on with its tasks. A store that was never used is made by its first use.
  void start();
  // Ends background work. Requests that come later get kUnavailable where they need it.
  void stop();

  // kUnavailable, saying why, when it cannot be opened; the next call tries again.
  Result<EvidenceStore*> store();
  // Whether it has been opened. Never blocks.
  bool has_open_store() const { return m_has_open_store; }
  // The model of that name; kUnavailable, naming it, when none is served or it is not ready.
  Result<std::shared_ptr<Engine>> model(std::string_view role);
  // The same, once it is loaded where it was not and is loaded for being asked for. Blocks.
  Result<std::shared_ptr<Engine>> await_model(std::string_view role, const Patience& patience);

  // See ClaimVerifier::verify(). Takes the models by their roles.
  Result<VerifyAnswer> verify(const VerifyRequest& request);
  // A task that does the same, of a stored claim; its result is the JSON of verify_task_result().
  Result<TaskRecord> verify_later(const VerifyRequest& request);

  ClaimStats& stats() { return m_stats; }
  const ClaimStats& stats() const { return m_stats; }
  MetricHistory& history() { return m_history; }
  ResultCacheStats cache_stats() const { return m_cache.stats(); }

 private:
  bool is_loading() const;
  Result<std::string> run_task(const TaskRecord& task, const std::function<Result<void>(uint64_t)>& progress,
                               const std::stop_token& stop);

  const ClaimsOptions m_options;
  ModelRegistry& m_models;
  ClaimStats m_stats;
  MetricHistory m_history;
  JudgementCache m_cache;

  std::atomic<bool> m_has_open_store = false;
  std::mutex m_mutex;  // guards what follows
  bool m_stopped = false;
  std::unique_ptr<EvidenceStore> m_store;
  std::unique_ptr<TaskRunner> m_tasks;  // from the store's opening until stop()
};

}  // namespace vivace
