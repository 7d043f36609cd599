// From the request line's target to a path: origin form ("/a?b"), absolute form ("http://host/a"), "*".
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// The percent-decoded path; the query is left out. kInvalidArgument for anything else than the forms above, a broken
// %-escape, a control character or a path that is not UTF-8.
Result<std::string> parse_request_target(std::string_view target);

// Whether path fits a route's pattern: equal, or, for a pattern with a "{name}", begins and ends with what stands
// before and behind the braces; *argument is the non-empty text between (which may contain slashes, as names of models
// do).
bool match_path(std::string_view pattern, std::string_view path, std::string* argument);

}  // namespace vivace
