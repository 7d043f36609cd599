// AI-text detection: sentences at once, jobs in the background, and how it stands.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup detection_routes();

}  // namespace vivace
