#include "server/tenant_keys.h"

#include <algorithm>

#include "store/store_checks.h"

namespace vivace {

// The messages name no key: they end up in logs.
Result<std::vector<TenantKey>> parse_tenant_keys(std::string_view text) {
  std::vector<TenantKey> keys;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals + 1 == part.size()) {
      return error(StatusCode::kInvalidArgument, "expected TENANT=KEY,TENANT=KEY");
    }
    TenantKey key{std::string(part.substr(0, equals)), std::string(part.substr(equals + 1))};
    RETURN_IF_ERROR(check_id("tenant", key.tenant));
    if (std::ranges::any_of(keys, [&](const TenantKey& other) { return other.key == key.key; })) {
      return error(StatusCode::kInvalidArgument, "a key stands for two tenants");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace vivace
