#include "text/vocabulary.h"

#include <bit>
#include <functional>
#include <utility>

namespace vivace {

Vocabulary::Vocabulary(std::vector<std::string> tokens)
    : m_tokens(std::move(tokens)), m_places(std::bit_ceil(2 * m_tokens.size() + 1), kFree) {
  for (size_t i = 0; i < m_tokens.size(); ++i) {
    const size_t place = find(m_tokens[i]);
    if (m_places[place] == kFree) m_places[place] = static_cast<int32_t>(i);
  }
}

size_t Vocabulary::find(std::string_view token) const {
  const size_t mask = m_places.size() - 1;
  size_t place = std::hash<std::string_view>()(token) & mask;
  while (m_places[place] != kFree && m_tokens[static_cast<size_t>(m_places[place])] != token)
    place = (place + 1) & mask;
  return place;
}

std::string_view Vocabulary::token(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= m_tokens.size()) return {};
  return m_tokens[static_cast<size_t>(id)];
}

std::optional<int32_t> Vocabulary::id(std::string_view token) const {
  const int32_t id = m_places[find(token)];
  return id == kFree ? std::nullopt : std::optional(id);
}

}  // namespace vivace
