// The open inference protocol's REST routes (KServe, Triton), under /v2. The same over gRPC: server/grpc_front.h.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup kserve_routes();

}  // namespace vivace
