// Makes the OpenAPI 3.1 description of the server from its route table.
#pragma once

#include <string>

#include "server/route.h"

namespace vivace {

std::string openapi_document(const ServerContext& server);

}  // namespace vivace
