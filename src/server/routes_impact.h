// Impact scoring and routing of messages: POST /api/v1/impact/score, …/batch, …/validate, GET …/status, POST
// /api/v1/route, …/outcome.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup impact_routes();

}  // namespace vivace
