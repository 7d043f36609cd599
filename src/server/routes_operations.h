// What operators use: /health, /ready, /metrics, /openapi.json.
#pragma once

#include "server/route.h"

namespace vivace {
RouteGroup operations_routes();
}  // namespace vivace
