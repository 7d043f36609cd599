// Reading and writing vivace.yaml: a flat map of the keys of ServerConfig, `models` being a map of name to directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config_fields.h"

namespace vivace {

inline constexpr char kDefaultConfigFile[] = "vivace.yaml";

// Sets the fields that the file names. Adds to *problems, each with the file's name and the key's path, everything
// that is wrong: unreadable file, bad YAML, a second document, unknown or repeated key, wrong type, value out of range.
// Without a path kDefaultConfigFile is read if it exists.
void apply_config_file(const std::optional<std::string>& path, const std::vector<ConfigField>& fields,
                       ConfigProblems* problems);

}  // namespace vivace
