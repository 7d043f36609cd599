// POST /v1/classify, /v1/tag, /v1/entail: what `vivace classify`, `tag` and `entail` answer, over HTTP.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup tasks_routes();

}  // namespace vivace
