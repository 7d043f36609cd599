// Changes single keys of a configuration file and leaves the rest, comments too, as the user wrote it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

using ConfigKeys = std::vector<std::pair<std::string, std::string>>;  // name and value

// Lines of those keys are replaced; keys that are missing come behind the rest.
std::string with_config_keys(std::string_view yaml, const ConfigKeys& keys);

// The same to a file, which is made when it is missing and replaced in one step. A file that is no valid configuration
// is refused with its problems.
Result<void> set_config_keys(const std::string& path, const ConfigKeys& keys);

}  // namespace vivace
