// Writes numbers into the entries of models in a configuration file, and leaves the rest as the user wrote it. For the
// command line; here, because only what reads the file knows YAML.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

// The file's text with those keys (of kModelKeys; name and value) in the entry of each of the named models:
// "NAME: DIR" becomes "NAME: {directory: DIR, …}". kUnsupported for an entry whose form is too unusual to be edited.
Result<std::string> with_model_keys(const std::string& yaml, const std::vector<std::string>& models,
                                    const std::vector<std::pair<std::string, std::string>>& keys);

}  // namespace vivace
