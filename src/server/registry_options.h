// What the configuration says about loading models.
#pragma once

#include "runtime/model_registry.h"
#include "server/server_config.h"

namespace vivace {

// The budget is what the caches of the systems leave of it.
RegistryOptions registry_options(const ServerConfig& config);

}  // namespace vivace
