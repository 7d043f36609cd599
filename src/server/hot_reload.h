// Applying a changed configuration to a server that runs.
#pragma once

#include <functional>

#include "server/route.h"
#include "server/server_config.h"

namespace vivace {

// Reads the configuration again, from where it was read at start.
using ReadConfig = std::function<Result<ServerConfig>()>;

// What can change while requests are answered changes (models, log level and form, everything about impact scoring);
// of other keys that differ the log says that they need a restart. Nothing changes when `next` is wrong. *current
// becomes what holds now.
Result<void> apply_config(const ServerConfig& next, ServerConfig* current, ServerContext* context);

}  // namespace vivace
