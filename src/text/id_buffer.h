// Ids on their way from the cache of words to a TokenWriter that keeps nothing else: a word's are copied here whole,
// and handed on many at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "text/token_writer.h"
#include "text/word_cache.h"

namespace vivace {

class IdBuffer {
 public:
  // The writer must outlive the buffer.
  explicit IdBuffer(TokenWriter* writer) : m_writer(*writer), m_full(std::min(kCapacity, writer->room())) {}

  void add(const WordCache::Entry& word) {
    word.copy_ids(m_ids.data() + m_count);
    m_count += word.token_count;
    if (m_count >= m_full) flush();
  }
  // To be called before anything else is written, and at the end.
  void flush() {
    m_writer.add_ids(std::span(m_ids).first(m_count));
    m_count = 0;
  }

 private:
  static constexpr size_t kCapacity = 256;

  TokenWriter& m_writer;
  size_t m_full;  // ids: the writer wants no more, or there is no room for those of another word
  size_t m_count = 0;
  std::array<int32_t, kCapacity + WordCache::kMaxTokens> m_ids;
};

}  // namespace vivace
