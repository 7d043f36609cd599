// Metrics of models, their memory and breakers, and of impact scoring, under our names and under those of the systems
// that Vivace takes over.
#pragma once

#include "server/route.h"
#include "telemetry/prometheus.h"

namespace vivace {

void dump_runtime(const ServerContext& server, PrometheusWriter* out);
void dump_impact(const ServerContext& server, PrometheusWriter* out);

}  // namespace vivace
