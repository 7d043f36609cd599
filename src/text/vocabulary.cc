#include "text/vocabulary.h"

#include <utility>

namespace vivace {

Vocabulary::Vocabulary(std::vector<std::string> tokens) : m_tokens(std::move(tokens)) {
  m_ids.reserve(m_tokens.size());
  for (size_t i = 0; i < m_tokens.size(); ++i) m_ids.emplace(m_tokens[i], static_cast<int32_t>(i));
}

std::string_view Vocabulary::token(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= m_tokens.size()) return {};
  return m_tokens[static_cast<size_t>(id)];
}

std::optional<int32_t> Vocabulary::id(std::string_view token) const {
  const auto place = m_ids.find(token);
  if (place == m_ids.end()) return std::nullopt;
  return place->second;
}

}  // namespace vivace
