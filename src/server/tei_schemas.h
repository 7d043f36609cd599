// OpenAPI schemas of the routes of text-embeddings-inference.
#pragma once

#include <vector>

#include "server/route.h"

namespace vivace {

std::vector<Schema> tei_schemas(const ApiFacts& facts);

}  // namespace vivace
