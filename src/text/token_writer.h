// Where an encoding run puts its tokens: counts them against the limit and keeps offsets only when asked to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/token_sequence.h"
#include "text/tokenizer.h"

namespace vivace {

class TokenWriter {
 public:
  // Tokens are appended to *tokens until it has limit of them; offsets too, if kept.
  TokenWriter(TokenSequence* tokens, size_t limit, Offsets offsets)
      : m_tokens(*tokens), m_limit(limit), m_with_offsets(offsets == Offsets::kKeep) {}

  void add(int32_t id, int32_t begin, int32_t end) {
    if (m_tokens.ids.size() >= m_limit) {
      m_tokens.truncated = true;
      return;
    }
    m_tokens.ids.push_back(id);
    if (m_with_offsets) m_tokens.offsets.push_back({begin, end});
  }

  // A token had to be left out: whatever follows in the text changes nothing.
  bool truncated() const { return m_tokens.truncated; }
  size_t size() const { return m_tokens.ids.size(); }
  // Takes back the tokens after the first size.
  void shrink(size_t size) {
    m_tokens.ids.resize(size);
    if (m_with_offsets) m_tokens.offsets.resize(size);
    m_tokens.truncated = false;
  }

 private:
  TokenSequence& m_tokens;
  size_t m_limit;
  bool m_with_offsets;
};

}  // namespace vivace
