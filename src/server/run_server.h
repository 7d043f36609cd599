// `vivace serve`: from a configuration to a process that answers, until it is told to stop.
#pragma once

#include "base/status.h"
#include "server/hot_reload.h"
#include "server/server_config.h"

namespace vivace {

// Listens, loads the models in the background and serves until SIGTERM or SIGINT; then drains: /ready says 503, no new
// connections, what is in flight is finished within drain_seconds. A second signal stops at once. Logs
// "listening on http://HOST:PORT" once the port is bound. Blocks; call it once in a process, from its main thread.
// At SIGHUP the configuration is read again and applied (server/hot_reload.h); no request notices.
// Errors: kUnavailable when the address cannot be bound; the models' errors when none of them could be loaded.
Result<void> run_server(const ServerConfig& config, const ReadConfig& read_again = {});

}  // namespace vivace
