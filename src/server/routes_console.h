// The console page at /.
#pragma once

#include "server/route.h"

namespace vivace {
RouteGroup console_routes();
}  // namespace vivace
