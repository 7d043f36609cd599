// Variables of the environment that look like slips of the pen.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vivace {

// Of the process's variables that begin with VIVACE_ those that are not known but nearly so, each with the known one
// that is likely to be meant. Others are left alone: Kubernetes sets some beside a Service named "vivace".
std::vector<std::pair<std::string, std::string>> misspelt_variables(const std::vector<std::string>& known);

}  // namespace vivace
