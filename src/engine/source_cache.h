// Sources that were read lately: asking again for the same text, with other settings or after a deadline, need not read
// it again. The least recently used go first when their keys and values take more than a budget of bytes. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "models/encoder_decoder.h"

namespace vivace {

class SourceCache {
 public:
  explicit SourceCache(size_t max_bytes) : m_max_bytes(max_bytes) {}

  // nullptr when there is none.
  EncodedSource find(std::span<const int32_t> ids);
  void put(std::span<const int32_t> ids, EncodedSource source);
  size_t bytes() const { return m_bytes; }

 private:
  struct Entry {
    std::vector<int32_t> ids;
    EncodedSource source;
  };
  const size_t m_max_bytes;
  size_t m_bytes = 0;
  std::list<Entry> m_entries;  // the most recently used first; few, since each is large
};

}  // namespace vivace
