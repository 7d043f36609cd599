// The bodies of claim verification for /openapi.json.
#pragma once

#include <vector>

#include "server/route.h"

namespace vivace {

std::vector<Schema> claims_schemas(const ApiFacts& facts);

}  // namespace vivace
