// Many problems in one message, so that a broken checkpoint is told about in one go.
#pragma once

#include <string>
#include <vector>

namespace vivace {

// "3 problems\n  …\n  …": one line for each, at most 20 of them and the number of the rest.
std::string list_problems(const std::vector<std::string>& problems);

}  // namespace vivace
