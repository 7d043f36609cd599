#include "heads/ngram_drafter.h"

#include <algorithm>

namespace vivace {
namespace {

// How many tokens before `end` equal the last ones.
size_t match_length(std::span<const int32_t> history, size_t end) {
  const size_t most = std::min(end, static_cast<size_t>(NgramDrafter::kLongestMatch));
  size_t length = 0;
  while (length < most && history[end - 1 - length] == history[history.size() - 1 - length]) ++length;
  return length;
}

}  // namespace

std::span<const int32_t> NgramDrafter::propose(int count) const {
  const std::span<const int32_t> history = m_history;
  size_t best = 0;
  size_t best_end = 0;
  for (size_t end = history.size(); end-- > 1;) {
    const size_t length = match_length(history, end);
    if (length <= best) continue;
    best = length;
    best_end = end;
    if (best == kLongestMatch) break;
  }
  if (count <= 0 || best < kShortestMatch) return {};
  return history.subspan(best_end, std::min(static_cast<size_t>(count), history.size() - best_end));
}

}  // namespace vivace
