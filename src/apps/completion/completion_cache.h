// Completions that were computed before, by strategy, model and code: the least recently used go first when a budget of
// bytes is full. Thread-safe.
//
// A request also hits when what was typed since is the beginning of a kept completion: after "def a" → "dd(x, y):" the
// code "def add(" is answered with "x, y):".
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/generate_request.h"

namespace vivace {

struct CompletionKey {
  std::string strategy;
  std::string model;
  std::string code;
};

struct CachedCompletion {
  std::string text;                // what follows the code
  std::vector<int32_t> token_ids;  // of the text; empty for a remainder, which may begin inside of a token
  // Bytes of the text that are certain after each token, those of a remainder from the one that goes on past what was
  // typed; empty where nobody asks.
  std::vector<uint32_t> text_ends{};
  FinishReason finish_reason = FinishReason::kStop;
  bool is_cut = false;        // of the code's end only: the model does not read so much
  int source_tokens = 0;      // that the model read for it
  bool is_remainder = false;  // the rest of a completion of a shorter code
};

struct CompletionCacheStats {
  uint64_t hits = 0;         // of the very code
  uint64_t prefix_hits = 0;  // of a shorter one
  uint64_t misses = 0;
  uint64_t evictions = 0;
  size_t entries = 0;
  size_t bytes = 0;
};

class CompletionCache {
 public:
  explicit CompletionCache(size_t max_bytes) : m_max_bytes(max_bytes) {}
  CompletionCache(const CompletionCache&) = delete;
  CompletionCache& operator=(const CompletionCache&) = delete;

  // Time grows with the code's length only.
  std::optional<CachedCompletion> find(const CompletionKey& key);
  // The text that was kept for the longest beginning of the code (all of it included), as a hint of what follows: where
  // find() misses because something else was typed, much of it may still come. Empty: nothing is known.
  std::string text_after_beginning(const CompletionKey& key) const;
  // Replaces what the key had. A completion larger than the budget is not kept.
  void put(const CompletionKey& key, CachedCompletion completion);
  void clear();
  CompletionCacheStats stats() const;

 private:
  struct Entry {
    CompletionKey key;
    CachedCompletion completion;
    uint64_t hash = 0;
  };
  using Entries = std::list<Entry>;  // the most recently used first

  static size_t bytes_of(const Entry& entry);
  static std::vector<uint64_t> hashes_of_beginnings(const CompletionKey& key);  // of 0, 1, … bytes of the code
  // Null: there is none.
  const Entries::iterator* find_entry(uint64_t hash, const CompletionKey& key, std::string_view code) const;
  void erase(Entries::iterator entry);

  mutable std::mutex m_mutex;
  const size_t m_max_bytes;
  Entries m_entries;
  std::unordered_multimap<uint64_t, Entries::iterator> m_by_hash;  // of strategy, model and code
  CompletionCacheStats m_stats;
};

}  // namespace vivace
