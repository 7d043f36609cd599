// Settings that are texts in a notation of their own: whether they can be read, found before the server starts.
#pragma once

#include <string_view>

#include "base/status.h"

namespace vivace {

Result<void> check_rate_limits(std::string_view text);  // see parse_rate_limits()
Result<void> check_tenant_keys(std::string_view text);  // see parse_tenant_keys()

}  // namespace vivace
