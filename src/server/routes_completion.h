// POST /v1/completions and POST /api/v1/complete: text that a model writes.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup completion_routes();

}  // namespace vivace
