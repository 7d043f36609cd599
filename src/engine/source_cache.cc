#include "engine/source_cache.h"

#include <algorithm>
#include <utility>

namespace vivace {

EncodedSource SourceCache::find(std::span<const int32_t> ids) {
  const auto entry =
      std::ranges::find_if(m_entries, [&](const Entry& known) { return std::ranges::equal(known.ids, ids); });
  if (entry == m_entries.end()) return nullptr;
  m_entries.splice(m_entries.begin(), m_entries, entry);
  return entry->source;
}

void SourceCache::put(std::span<const int32_t> ids, EncodedSource source) {
  m_bytes += source->capacity_bytes();
  m_entries.push_front({{ids.begin(), ids.end()}, std::move(source)});
  while (m_bytes > m_max_bytes) {
    m_bytes -= m_entries.back().source->capacity_bytes();
    m_entries.pop_back();
  }
}

}  // namespace vivace
