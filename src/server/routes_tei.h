// The native routes of text-embeddings-inference: POST /embed, /embed_all, /predict, /rerank, /similarity, /decode and
// GET /info, and POST / for the default model's task. (POST /tokenize: routes_tokenize.h.)
// https://huggingface.github.io/text-embeddings-inference
#pragma once

#include "server/route.h"

namespace vivace {

RouteGroup tei_routes();

}  // namespace vivace
