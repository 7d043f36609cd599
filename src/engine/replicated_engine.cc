#include "engine/replicated_engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vivace {

ReplicatedEngine::ReplicatedEngine(std::vector<std::unique_ptr<Engine>> replicas) {
  CHECK(!replicas.empty());
  m_info = replicas.front()->info();
  m_info.threads = 0;
  m_info.packed_bytes = 0;
  for (std::unique_ptr<Engine>& engine : replicas) {
    m_info.threads += engine->info().threads;
    m_info.packed_bytes += engine->info().packed_bytes;
    m_info.load_ms = std::max(m_info.load_ms, engine->info().load_ms);
    m_replicas.push_back({std::make_unique<std::atomic<size_t>>(0), std::move(engine)});
  }
}

Result<void> ReplicatedEngine::warm_up() {
  for (const Replica& replica : m_replicas) RETURN_IF_ERROR(replica.engine->warm_up());
  return {};
}

ReplicatedEngine::Replica& ReplicatedEngine::least_busy() {
  return *std::ranges::min_element(
      m_replicas, {}, [](const Replica& replica) { return replica.unanswered_texts->load(std::memory_order_relaxed); });
}

void ReplicatedEngine::submit_call(AnyCall call) {
  const Replica& replica = least_busy();
  std::visit(
      [&unanswered = *replica.unanswered_texts](auto& one) {
        const size_t texts = one.request.size();
        unanswered.fetch_add(texts, std::memory_order_relaxed);
        one.done = [&unanswered, texts, done = std::move(one.done)](auto response) {
          unanswered.fetch_sub(texts, std::memory_order_relaxed);
          done(std::move(response));
        };
      },
      call);
  replica.engine->submit_call(std::move(call));
}

void ReplicatedEngine::drain() {
  for (const Replica& replica : m_replicas) replica.engine->drain();
}

}  // namespace vivace
