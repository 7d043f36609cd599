#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

// Start of the code point that ends right before position > 0.
size_t previous_code_point(std::string_view text, size_t position) {
  do --position;
  while ((static_cast<uint8_t>(text[position]) & 0xC0) == 0x80);
  return position;
}

bool has_flag(std::string_view text, size_t position, CodePointFlag flag) {
  return code_point_info(next_code_point(text, &position)).has(flag);
}

size_t skip_space_left(std::string_view text, size_t position, size_t lowest) {
  while (position > lowest) {
    const size_t previous = previous_code_point(text, position);
    if (!has_flag(text, previous, kWhiteSpace)) break;
    position = previous;
  }
  return position;
}

size_t skip_space_right(std::string_view text, size_t position) {
  while (position < text.size()) {
    size_t next = position;
    if (!code_point_info(next_code_point(text, &next)).has(kWhiteSpace)) break;
    position = next;
  }
  return position;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<Pattern> patterns)
    : m_patterns(std::move(patterns)), m_trie(build_trie(m_patterns)) {
  for (const Pattern& pattern : m_patterns) {
    m_first_bytes[static_cast<uint8_t>(pattern.text.front())] = true;
    m_longest = std::max(m_longest, pattern.text.size());
  }
  if (std::ranges::count(m_first_bytes, true) == 1) {
    m_only_first_byte = static_cast<uint8_t>(m_patterns.front().text.front());
  }
}

size_t AddedTokenMatcher::next_start(std::string_view text, size_t begin, size_t end) const {
  if (begin >= end) return end;
  if (!m_only_first_byte) {
    while (begin < end && !may_start_with(static_cast<uint8_t>(text[begin]))) ++begin;
    return begin;
  }
  const void* const found = std::memchr(text.data() + begin, *m_only_first_byte, end - begin);
  return found == nullptr ? end : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

ByteTrie AddedTokenMatcher::build_trie(const std::vector<Pattern>& patterns) {
  std::set<std::string_view> seen;
  std::vector<std::pair<std::string_view, int32_t>> keys;
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (seen.insert(patterns[i].text).second) keys.emplace_back(patterns[i].text, static_cast<int32_t>(i));
  }
  return ByteTrie(keys);
}

bool AddedTokenScanner::stands_alone(size_t begin, size_t end) const {
  if (begin > 0 && has_flag(m_text, previous_code_point(m_text, begin), kWordCharacter)) return false;
  return end == m_text.size() || !has_flag(m_text, end, kWordCharacter);
}

std::optional<AddedTokenMatch> AddedTokenScanner::match_at(size_t position) {
  if (position < m_resume || !m_matcher.may_start_with(static_cast<uint8_t>(m_text[position]))) return std::nullopt;
  const ByteTrie::Match found = m_matcher.m_trie.longest_prefix(m_text.substr(position));
  if (found.value == ByteTrie::kNoValue) return std::nullopt;
  const AddedToken& token = m_matcher.m_patterns[static_cast<size_t>(found.value)].token;
  AddedTokenMatch match{.id = token.id, .begin = position, .end = position + found.length};
  m_resume = match.end;
  if (token.single_word && !stands_alone(match.begin, match.end)) return std::nullopt;
  // Space that the match before took along stays with that one, even where this token itself begins with it.
  if (token.lstrip) {
    match.begin = std::min(std::max(skip_space_left(m_text, position, m_covered), m_covered), match.end);
  }
  if (token.rstrip) match.end = skip_space_right(m_text, match.end);
  m_covered = match.end;
  return match;
}

std::optional<AddedTokenMatch> AddedTokenScanner::next(size_t begin, size_t end) {
  for (size_t position = std::max(begin, m_resume);; ++position) {
    position = m_matcher.next_start(m_text, position, end);
    if (position >= end) return std::nullopt;
    if (auto match = match_at(position)) return match;
    if (m_resume > position) position = m_resume - 1;  // a match that single_word rejected
  }
}

}  // namespace vivace
