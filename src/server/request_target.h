// From the request line's target to a path: origin form ("/a?b"), absolute form ("http://host/a"), "*".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

// The percent-decoded path; the query is left out. kInvalidArgument for anything else than the forms above, a broken
// %-escape, a control character or a path that is not UTF-8.
Result<std::string> parse_request_target(std::string_view target);

// What stands behind the target's '?': "a=b&c" is {a, b} and {c, ""}; '+' is a blank. The same errors.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view target);

// Whether path fits a route's pattern: equal, or, where the pattern has a "{name}", equal before and behind it;
// *argument is the non-empty text in its place, which may contain slashes, as names of models do.
bool match_path(std::string_view pattern, std::string_view path, std::string* argument);

}  // namespace vivace
