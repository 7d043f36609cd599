#include "formats/problem_list.h"

#include <algorithm>

namespace vivace {

std::string list_problems(const std::vector<std::string>& problems) {
  constexpr size_t kMostLines = 20;
  std::string text = std::to_string(problems.size()) + (problems.size() == 1 ? " problem" : " problems");
  const size_t shown = std::min(problems.size(), kMostLines);
  for (size_t i = 0; i < shown; ++i) text += "\n  " + problems[i];
  if (shown < problems.size()) text += "\n  and " + std::to_string(problems.size() - shown) + " more";
  return text;
}

}  // namespace vivace
