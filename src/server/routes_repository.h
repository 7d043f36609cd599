// Triton's model repository extension of the open inference protocol: what is there, loading and unloading.
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup repository_routes();

}  // namespace vivace
