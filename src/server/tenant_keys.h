// API keys that stand for a tenant: whoever sends one sees that tenant's claims and evidence only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace vivace {

struct TenantKey {
  std::string tenant;
  std::string key;
};

// "press=KEY1,law=KEY2"; several keys of one tenant are fine, one key of two is not.
Result<std::vector<TenantKey>> parse_tenant_keys(std::string_view text);

}  // namespace vivace
