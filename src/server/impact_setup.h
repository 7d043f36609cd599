// From the server's configuration to impact scoring.
#pragma once

#include <memory>

#include "apps/impact/impact_service.h"
#include "runtime/model_registry.h"
#include "server/server_config.h"

namespace vivace {

// The model that the configuration gives to impact scoring. registry must outlive it.
SemanticBackend impact_backend(const ServerConfig& config, ModelRegistry& registry);

// kInvalidArgument for values that do not go together. registry must outlive the scorer.
Result<std::shared_ptr<ImpactScorer>> make_impact_scorer(const ServerConfig& config, ModelRegistry& registry);

}  // namespace vivace
