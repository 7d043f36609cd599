#include "text/sentencepiece_merges.h"

#include <cstddef>
#include <unordered_set>

#include "base/utf8.h"

namespace vivace {

// A merge's rank is the id of what it makes; of two that make the same, the one with the shorter left part comes first.
std::vector<std::pair<std::string_view, std::string_view>> sentencepiece_merges(
    const std::vector<std::string>& tokens) {
  const std::unordered_set<std::string_view> known(tokens.begin(), tokens.end());
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  for (const std::string_view token : tokens) {
    for (size_t position = 0; position < token.size();) {
      next_code_point(token, &position);
      if (position == token.size()) break;
      const std::string_view left = token.substr(0, position);
      const std::string_view right = token.substr(position);
      if (known.contains(left) && known.contains(right)) merges.emplace_back(left, right);
    }
  }
  return merges;
}

}  // namespace vivace
