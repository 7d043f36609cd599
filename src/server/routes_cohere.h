// POST /v1/rerank, /v2/rerank and /v2/embed, as Cohere's and Jina's clients ask for them.
// https://docs.cohere.com/reference/rerank, https://docs.cohere.com/reference/embed
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup cohere_routes();

}  // namespace vivace
