#include "cli/misspelt_variables.h"

#include <unistd.h>
#include <algorithm>
#include <string_view>

#include "cli/program.h"

namespace vivace {

std::vector<std::pair<std::string, std::string>> misspelt_variables(const std::vector<std::string>& known) {
  constexpr size_t kMostSlips = 2;  // two letters that changed places count as two
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (!name.starts_with("VIVACE_") || std::ranges::find(known, name) != known.end()) continue;
    if (text.substr(name.size()).starts_with("=tcp://")) continue;  // Kubernetes' VIVACE_A_PORT
    const auto nearest = std::ranges::min_element(
        known, {}, [&](const std::string& candidate) { return edit_distance(name, candidate); });
    if (nearest != known.end() && edit_distance(name, *nearest) <= kMostSlips) found.emplace_back(name, *nearest);
  }
  return found;
}

}  // namespace vivace
