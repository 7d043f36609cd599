// The server's numbers as Prometheus text. Every series is there from the start, with 0 or the state of the moment.
#pragma once

#include <string>

#include "server/route.h"

namespace vivace {

std::string dump_metrics(const ServerContext& server);

}  // namespace vivace
