// OpenAI's API: /v1/embeddings and /v1/models.
#pragma once

#include "server/route.h"

namespace vivace {
RouteGroup openai_routes();
}  // namespace vivace
