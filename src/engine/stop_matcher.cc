#include "engine/stop_matcher.h"

#include <algorithm>

namespace vivace {
namespace {

// The longest beginning of text that is also the end of its first `matched` bytes and one more, next.
size_t extend(std::string_view text, const std::vector<size_t>& borders, size_t matched, char next) {
  while (matched > 0 && text[matched] != next) matched = borders[matched - 1];
  return text[matched] == next ? matched + 1 : 0;
}

}  // namespace

StopMatcher::StopMatcher(std::span<const std::string> stops) {
  for (const std::string& stop : stops) m_stops.push_back({.text = stop, .borders = {}});
}

void StopMatcher::advance(char next, Stop* stop) {
  const size_t matched = extend(stop->text, stop->borders, stop->matched, next);
  stop->matched = matched;
  if (matched <= stop->borders.size()) return;
  const size_t border = matched == 1 ? 0 : extend(stop->text, stop->borders, stop->borders.back(), next);
  stop->borders.push_back(border);
}

size_t StopMatcher::push(std::string_view part) {
  size_t first = kNone;
  for (Stop& stop : m_stops) {
    for (size_t i = 0; i < part.size(); ++i) {
      advance(part[i], &stop);
      if (stop.matched < stop.text.size()) continue;
      first = std::min(first, m_length + i + 1 - stop.text.size());
      break;
    }
  }
  m_length += part.size();
  return first;
}

size_t StopMatcher::held() const {
  size_t held = 0;
  for (const Stop& stop : m_stops) held = std::max(held, stop.matched);
  return held;
}

}  // namespace vivace
