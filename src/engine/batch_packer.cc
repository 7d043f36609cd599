#include "engine/batch_packer.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace vivace {
namespace {

size_t hash_ids(const std::vector<int32_t>& ids) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(ids));
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

void BatchPacker::clear() {
  m_batch.clear();
  m_places.clear();
}

int BatchPacker::add(const TokenSequence& tokens) {
  const size_t hash = hash_ids(tokens.ids);
  const auto [first, last] = m_places.equal_range(hash);
  const auto equal = std::find_if(first, last, [&](const auto& place) { return is_equal(tokens, place.second); });
  if (equal != last) return equal->second;
  const int place = append(tokens);
  m_places.emplace(hash, place);
  return place;
}

int BatchPacker::add_marked(const TokenSequence& tokens, const std::vector<int32_t>& marks) {
  const int32_t first = m_batch.tokens();
  for (const int32_t mark : marks) m_batch.marked.push_back(first + mark);
  return append(tokens);
}

bool BatchPacker::is_equal(const TokenSequence& tokens, int place) const {
  const auto begin = static_cast<size_t>(m_batch.offsets[static_cast<size_t>(place)]);
  const auto end = static_cast<size_t>(m_batch.offsets[static_cast<size_t>(place) + 1]);
  const std::span types = std::span(m_batch.type_ids).subspan(begin, end - begin);
  if (!std::ranges::equal(tokens.ids, std::span(m_batch.ids).subspan(begin, end - begin))) return false;
  if (!tokens.type_ids.empty()) return std::ranges::equal(tokens.type_ids, types);
  return std::ranges::all_of(types, [](int32_t type) { return type == 0; });
}

int BatchPacker::append(const TokenSequence& tokens) {
  m_batch.append(tokens.ids, tokens.type_ids);
  return m_batch.sequences() - 1;
}

}  // namespace vivace
