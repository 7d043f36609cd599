// Answers kept for when the same question comes again: least-recently-used first out, bounded by bytes.
//
// The key must hold everything that changes the answer: model, precision, parameters, text. Answers are shared and
// never change. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace vivace {

struct ResultCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  size_t entries = 0;
  size_t bytes = 0;
  size_t capacity_bytes = 0;
};

template <typename Value>
class ResultCache {
 public:
  // 0: nothing is ever kept.
  explicit ResultCache(size_t capacity_bytes) : m_capacity(capacity_bytes) {}

  // nullptr when there is none.
  std::shared_ptr<const Value> find(std::string_view key) {
    const std::scoped_lock lock(m_mutex);
    const auto found = m_index.find(key);
    if (found == m_index.end()) {
      ++m_stats.misses;
      return nullptr;
    }
    ++m_stats.hits;
    m_entries.splice(m_entries.begin(), m_entries, found->second);
    return found->second->value;
  }

  // bytes: what the value occupies; key and bookkeeping are added here. An answer larger than the whole cache is not
  // kept.
  void insert(std::string key, std::shared_ptr<const Value> value, size_t bytes) {
    const std::scoped_lock lock(m_mutex);
    const size_t total = bytes + key.size() + kEntryBytes;
    if (const auto found = m_index.find(key); found != m_index.end()) remove(found->second);
    if (total > m_capacity) return;
    while (m_bytes + total > m_capacity) {
      remove(std::prev(m_entries.end()));
      ++m_stats.evictions;
    }
    m_entries.push_front({std::move(key), std::move(value), total});
    m_index.emplace(m_entries.front().key, m_entries.begin());
    m_bytes += total;
  }

  void clear() {
    const std::scoped_lock lock(m_mutex);
    m_index.clear();
    m_entries.clear();
    m_bytes = 0;
  }

  ResultCacheStats stats() const {
    const std::scoped_lock lock(m_mutex);
    ResultCacheStats stats = m_stats;
    stats.entries = m_entries.size();
    stats.bytes = m_bytes;
    stats.capacity_bytes = m_capacity;
    return stats;
  }

 private:
  // List node, index node and the control block of the value, about.
  static constexpr size_t kEntryBytes = 192;

  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;

  void remove(typename Entries::iterator entry) {
    m_bytes -= entry->bytes;
    m_index.erase(entry->key);
    m_entries.erase(entry);
  }

  const size_t m_capacity;
  mutable std::mutex m_mutex;
  Entries m_entries;                                                         // most recently used first
  std::unordered_map<std::string_view, typename Entries::iterator> m_index;  // keys live in the entries
  size_t m_bytes = 0;
  ResultCacheStats m_stats;
};

}  // namespace vivace
