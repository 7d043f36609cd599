// Tells somebody that a job has ended: one HTTP POST to an address whose host the operator has allowed.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// kInvalidArgument when the address is not http(s), or when its host is on no list: hosts are "name" (any port) or
// "name:port". An empty list allows nothing.
Result<void> check_callback(std::string_view url, std::span<const std::string> allowed_hosts);

// Sends a JSON body; certificates are checked, redirects are not followed. kUnavailable unless the answer is a 2xx
// within the limit.
Result<void> post_callback(std::string_view url, std::string_view body, std::chrono::seconds limit);

}  // namespace vivace
