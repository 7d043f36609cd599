// The numbers of claim verification, under the names of the service that it takes the place of and under ours.
#pragma once

#include "server/route.h"
#include "telemetry/prometheus.h"

namespace vivace {

void dump_claims(const ServerContext& server, PrometheusWriter* out);

}  // namespace vivace
