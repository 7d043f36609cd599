#include "apps/completion/completion_cache.h"

#include <utility>
#include <vector>

namespace vivace {
namespace {

// What an entry takes beside its texts: list and map nodes.
constexpr size_t kEntryOverhead = 256;

// Grows byte by byte (FNV-1a), so that one pass over a code gives the hashes of all its beginnings.
constexpr uint64_t kHashStart = 0xCBF29CE484222325;
constexpr uint64_t kHashPrime = 0x100000001B3;

uint64_t extend(uint64_t hash, char c) {
  return (hash ^ static_cast<unsigned char>(c)) * kHashPrime;
}

uint64_t hash_of_owner(const CompletionKey& key) {
  uint64_t hash = kHashStart;
  for (const char c : key.strategy) hash = extend(hash, c);
  hash = extend(hash, '\0');
  for (const char c : key.model) hash = extend(hash, c);
  return extend(hash, '\0');
}

uint64_t hash_of(const CompletionKey& key) {
  uint64_t hash = hash_of_owner(key);
  for (const char c : key.code) hash = extend(hash, c);
  return hash;
}

// Of the text without its first bytes.
std::vector<uint32_t> ends_behind(const std::vector<uint32_t>& ends, size_t first) {
  std::vector<uint32_t> rest;
  for (const uint32_t end : ends) {
    if (end > first) rest.push_back(end - static_cast<uint32_t>(first));
  }
  return rest;
}

}  // namespace

size_t CompletionCache::bytes_of(const Entry& entry) {
  return entry.key.strategy.size() + entry.key.model.size() + entry.key.code.size() + entry.completion.text.size() +
         entry.completion.token_ids.size() * sizeof(int32_t) + entry.completion.text_ends.size() * sizeof(uint32_t) +
         kEntryOverhead;
}

std::vector<uint64_t> CompletionCache::hashes_of_beginnings(const CompletionKey& key) {
  std::vector<uint64_t> hashes(key.code.size() + 1);
  hashes[0] = hash_of_owner(key);
  for (size_t i = 0; i < key.code.size(); ++i) hashes[i + 1] = extend(hashes[i], key.code[i]);
  return hashes;
}

const CompletionCache::Entries::iterator* CompletionCache::find_entry(uint64_t hash, const CompletionKey& key,
                                                                      std::string_view code) const {
  const auto [begin, end] = m_by_hash.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const CompletionKey& kept = at->second->key;
    if (kept.code == code && kept.model == key.model && kept.strategy == key.strategy) return &at->second;
  }
  return nullptr;
}

std::optional<CachedCompletion> CompletionCache::find(const CompletionKey& key) {
  const std::vector<uint64_t> hashes = hashes_of_beginnings(key);
  const std::lock_guard lock(m_mutex);
  const std::string_view code = key.code;
  for (size_t length = code.size() + 1; length-- > 0;) {
    const Entries::iterator* const place = find_entry(hashes[length], key, code.substr(0, length));
    if (place == nullptr) continue;
    const Entries::iterator entry = *place;
    const std::string_view typed = code.substr(length);
    const std::string& text = entry->completion.text;
    if (!typed.empty() && (text.size() <= typed.size() || !text.starts_with(typed))) continue;
    ++(typed.empty() ? m_stats.hits : m_stats.prefix_hits);
    m_entries.splice(m_entries.begin(), m_entries, entry);
    if (typed.empty()) return entry->completion;
    return CachedCompletion{.text = text.substr(typed.size()),
                            .token_ids = {},
                            .text_ends = ends_behind(entry->completion.text_ends, typed.size()),
                            .finish_reason = entry->completion.finish_reason,
                            .is_cut = entry->completion.is_cut,
                            .source_tokens = entry->completion.source_tokens,
                            .is_remainder = true};
  }
  ++m_stats.misses;
  return std::nullopt;
}

std::string CompletionCache::text_after_beginning(const CompletionKey& key) const {
  const std::vector<uint64_t> hashes = hashes_of_beginnings(key);
  const std::string_view code = key.code;
  const std::lock_guard lock(m_mutex);
  for (size_t length = code.size() + 1; length-- > 0;) {
    if (const auto* entry = find_entry(hashes[length], key, code.substr(0, length))) return (*entry)->completion.text;
  }
  return "";
}

void CompletionCache::put(const CompletionKey& key, CachedCompletion completion) {
  Entry entry{.key = key, .completion = std::move(completion), .hash = hash_of(key)};
  const size_t bytes = bytes_of(entry);
  const std::lock_guard lock(m_mutex);
  if (const auto* old = find_entry(entry.hash, key, key.code)) erase(*old);
  if (bytes > m_max_bytes) return;
  while (m_stats.bytes + bytes > m_max_bytes) {
    erase(std::prev(m_entries.end()));
    ++m_stats.evictions;
  }
  m_entries.push_front(std::move(entry));
  m_by_hash.emplace(m_entries.front().hash, m_entries.begin());
  m_stats.bytes += bytes;
  m_stats.entries = m_entries.size();
}

void CompletionCache::erase(Entries::iterator entry) {
  const auto [begin, end] = m_by_hash.equal_range(entry->hash);
  for (auto at = begin; at != end; ++at) {
    if (at->second != entry) continue;
    m_by_hash.erase(at);
    break;
  }
  m_stats.bytes -= bytes_of(*entry);
  m_entries.erase(entry);
  m_stats.entries = m_entries.size();
}

void CompletionCache::clear() {
  const std::lock_guard lock(m_mutex);
  m_by_hash.clear();
  m_entries.clear();
  m_stats.bytes = 0;
  m_stats.entries = 0;
}

CompletionCacheStats CompletionCache::stats() const {
  const std::lock_guard lock(m_mutex);
  return m_stats;
}

}  // namespace vivace
