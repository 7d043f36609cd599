// Changes single keys of a configuration file and leaves the rest, comments too, as the user wrote it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "server/server_config.h"

namespace vivace {

using ConfigKeys = std::vector<std::pair<std::string, std::string>>;  // name and value

// Lines of those keys are replaced; keys that are missing come behind the rest.
std::string with_config_keys(std::string_view yaml, const ConfigKeys& keys);

// The same to a file, which is made when it is missing and replaced in one step. A file that is no valid configuration
// is refused with its problems.
Result<void> set_config_keys(const std::string& path, const ConfigKeys& keys);

// The same for keys in the entries of these models, which the file must have. kUnsupported, and the file as it was,
// where an entry cannot be edited.
Result<void> set_model_keys(const std::string& path, const std::vector<std::string>& models, const ConfigKeys& keys);

// The file by itself, whatever flags and the environment say.
Result<ServerConfig> read_config_file(const std::string& path);

}  // namespace vivace
