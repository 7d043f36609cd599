// An Engine behind a circuit breaker: while the breaker is open calls are refused at once instead of joining the queue
// of something that fails. The answers of the engine inside pass through unchanged.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "runtime/circuit_breaker.h"

namespace vivace {

class GuardedEngine final : public Engine {
 public:
  // slow_seconds: a request that had at least so long until its deadline and missed it counts as a failure. One that
  // was given less says more about its client than about the model.
  GuardedEngine(std::shared_ptr<Engine> engine, std::shared_ptr<CircuitBreaker> breaker, double slow_seconds);

  Result<void> warm_up() override { return m_engine->warm_up(); }
  void submit_call(AnyCall call) override;
  void drain() override { m_engine->drain(); }
  const ModelInfo& info() const override { return m_engine->info(); }
  const EngineStats& stats() const override { return m_engine->stats(); }
  const Tokenizer& tokenizer() const override { return m_engine->tokenizer(); }

 private:
  template <typename Request>
  bool guard(Call<Request>& call);

  const std::shared_ptr<Engine> m_engine;
  const std::shared_ptr<CircuitBreaker> m_breaker;
  const double m_slow_seconds;
};

// What an error says about the model: kInternal and kCorruptFile are its fault, wrong input and full queues are not.
bool is_model_failure(StatusCode code);

}  // namespace vivace
