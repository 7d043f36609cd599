// `vivace serve --check`: does what the server does at its start, and tells everything that would go wrong.
#pragma once

#include <string>
#include <vector>

#include "server/server_config.h"

namespace vivace {

// One line for each problem: a host that cannot be listened on, a store that cannot be opened, a model that cannot be
// loaded. Models are loaded and warmed up one after the other, each let go before the next. The port is not taken, and
// no store is made.
std::vector<std::string> check_serving(const ServerConfig& config);

}  // namespace vivace
