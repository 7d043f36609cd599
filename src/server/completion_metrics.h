// The numbers of code completion that are no single model's.
#pragma once

#include "server/route.h"
#include "telemetry/prometheus.h"

namespace vivace {

void dump_completion(const ServerContext& server, PrometheusWriter* out);

}  // namespace vivace
