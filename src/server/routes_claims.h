// Claim verification over HTTP, as the service that it takes the place of has it. See docs/claims.md.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup claims_routes();

}  // namespace vivace
