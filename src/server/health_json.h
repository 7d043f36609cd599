// What GET /health answers: that the process is alive, and with the fields that the original systems' clients read what
// is known of its models and its store. Nothing is asked of them, so that a probe never waits.
#pragma once

#include <string>
#include <string_view>

#include "server/route.h"

namespace vivace {

std::string health_json(const ServerContext& server);

// Its schema, "Health".
std::string_view health_schema();

}  // namespace vivace
