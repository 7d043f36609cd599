// What the routes of impact scoring share: a scorer, which a new configuration may replace, and a router.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "apps/impact/adaptive_router.h"
#include "apps/impact/impact_scorer.h"

namespace vivace {

class ImpactService {
 public:
  // backend: the model of the scorer's chain, for comparing it with the keywords.
  ImpactService(std::shared_ptr<ImpactScorer> scorer, SemanticBackend backend, RouterConfig router = {})
      : m_router(router), m_scorer(std::move(scorer)), m_backend(std::move(backend)) {}

  // Thread-safe. Holding the scorer keeps it alive while another takes its place.
  std::shared_ptr<ImpactScorer> scorer() const {
    const std::scoped_lock lock(m_mutex);
    return m_scorer;
  }
  SemanticBackend backend() const {
    const std::scoped_lock lock(m_mutex);
    return m_backend;
  }
  void replace(std::shared_ptr<ImpactScorer> scorer, SemanticBackend backend) {
    const std::scoped_lock lock(m_mutex);
    m_scorer = std::move(scorer);
    m_backend = std::move(backend);
  }
  AdaptiveRouter& router() { return m_router; }

 private:
  AdaptiveRouter m_router;
  mutable std::mutex m_mutex;
  std::shared_ptr<ImpactScorer> m_scorer;
  SemanticBackend m_backend;
};

}  // namespace vivace
