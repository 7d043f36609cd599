// Completes code: chooses a model, makes the prompt, asks the model, and keeps the answers.
//
// An answer comes from the cache when the same was asked before, or when what was typed since is its beginning. Where
// something else was typed, or asked for otherwise, the earlier answer is a hint: what the model guesses from. A model
// that keeps failing is left alone for a while (runtime/circuit_breaker.h); meanwhile its earlier answers for the same
// code serve, cut to what is asked for and marked as degraded. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/completion/completion_cache.h"
#include "apps/completion/completion_models.h"
#include "apps/completion/completion_request.h"
#include "runtime/circuit_breaker.h"
#include "telemetry/metrics.h"

namespace vivace {

struct CompletionSettings {
  std::chrono::milliseconds deadline{200};  // of requests that name none; 0: they have none
  size_t cache_bytes = size_t{32} << 20;    // 0: nothing is kept
};

class CompletionService {
 public:
  using Clock = std::chrono::steady_clock;
  using Callback = std::function<void(Result<Completion>)>;

  // models must outlive the service, and the service all requests.
  CompletionService(const CompletionModels& models, CompletionSettings settings);

  // Calls done exactly once: at once on the caller's thread when the request is refused or the cache answers, else on a
  // thread of the model, where it must not block. kInvalidArgument for a wrong request; kUnsupported for a suffix where
  // the model cannot take one; kUnavailable without a model that could answer.
  void complete(CompletionRequest request, Callback done);

  // The model that complete() would ask.
  Result<std::string> chosen_model(const CompletionRequest& request) const;

  const CompletionSettings& settings() const { return m_settings; }
  CompletionCacheStats cache_stats() const { return m_cache.stats(); }
  uint64_t fallbacks() const { return m_fallbacks.value(); }  // earlier answers that were given

 private:
  struct Work;
  std::string key_of(const std::string& model) const;
  Result<void> choose(Work* work) const;
  static void give(Work& work, CachedCompletion found);
  std::vector<int32_t> tokens_of_rest(const std::string& model, std::string_view text) const;
  bool answer_from_cache(Work& work);
  std::optional<CachedCompletion> earlier_answer(const CompletionRequest& request, const std::string& model);
  Result<void> prepare(Work* work, const Generator& generator) const;
  void ask(const std::shared_ptr<Work>& work);
  void finish(Work& work, Result<GenerateResponse> response);
  void fall_back(Work& work, const Status& problem);
  void let_go();

  const CompletionModels& m_models;
  const CompletionSettings m_settings;
  CompletionCache m_cache;     // by everything that changes the answer
  CompletionCache m_fallback;  // by what an earlier answer must fit; what hints are made of, too
  Counter m_fallbacks;
  std::mutex m_mutex;  // guards what follows
  // Models that failed to answer, whose owners were to end on their own thread; let go with the next request.
  std::vector<std::shared_ptr<const void>> m_kept;
};

}  // namespace vivace
