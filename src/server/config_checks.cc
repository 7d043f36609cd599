#include "server/config_checks.h"

#include "server/rate_limiter.h"
#include "server/tenant_keys.h"

namespace vivace {

Result<void> check_rate_limits(std::string_view text) {
  RETURN_IF_ERROR(parse_rate_limits(text));
  return {};
}

Result<void> check_tenant_keys(std::string_view text) {
  RETURN_IF_ERROR(parse_tenant_keys(text));
  return {};
}

}  // namespace vivace
