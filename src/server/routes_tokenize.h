// /tokenize, in the shape of text-embeddings-inference.
#pragma once

#include "server/route.h"

namespace vivace {
RouteGroup tokenize_routes();
}  // namespace vivace
