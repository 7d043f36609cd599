// Loading and unloading of models while the server runs: POST /v1/models/{model}/load and …/unload, with the admin key.
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup models_routes();

}  // namespace vivace
