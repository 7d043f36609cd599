// One model loaded several times, once for each NUMA node: each replica computes on its node's CPUs, with weights in
// its node's memory. A request goes to the replica that has the fewest texts to answer.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/engine.h"

namespace vivace {

class ReplicatedEngine final : public Engine {
 public:
  // At least one; all of the same model, and with the same stats.
  explicit ReplicatedEngine(std::vector<std::unique_ptr<Engine>> replicas);

  Result<void> warm_up() override;
  void submit_call(AnyCall call) override;
  void drain() override;
  // Of the model, with the threads and the memory of all replicas.
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return m_replicas.front().engine->stats(); }
  const Tokenizer& tokenizer() const override { return m_replicas.front().engine->tokenizer(); }

 private:
  struct Replica {
    std::unique_ptr<std::atomic<size_t>> unanswered_texts;
    std::unique_ptr<Engine> engine;  // destroyed first: it answers what is left
  };
  Replica& least_busy();

  std::vector<Replica> m_replicas;
  ModelInfo m_info;
};

}  // namespace vivace
