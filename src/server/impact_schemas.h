// The schemas of the impact routes for /openapi.json.
#pragma once

#include <vector>

#include "server/route.h"

namespace vivace {

std::vector<Schema> impact_schemas(const ApiFacts& facts);

}  // namespace vivace
