// Where an encoding run puts its tokens: counts them against the limit and keeps only what it was asked to keep.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/post_processor.h"
#include "text/token_sequence.h"
#include "text/tokenizer.h"

namespace vivace {

// Blanks at both ends of a token's written form.
TokenBlanks count_blanks(std::string_view token);

// The blanks of tokens that look as in the vocabulary, which whoever knows it counts.
inline constexpr TokenBlanks kUnknownBlanks{UINT32_MAX, UINT32_MAX};

class TokenWriter {
 public:
  // Appends at most limit tokens to *tokens; offsets too, if kept.
  TokenWriter(TokenSequence* tokens, size_t limit, Offsets offsets)
      : m_tokens(*tokens),
        m_start(tokens->ids.size()),
        m_limit(limit > SIZE_MAX - m_start ? SIZE_MAX : m_start + limit),
        m_with_offsets(offsets == Offsets::kKeep) {}

  // Appends each token's blanks to *blanks, which must outlive the run.
  void keep_blanks(std::vector<TokenBlanks>* blanks) { m_blanks = blanks; }

  void add(int32_t id, int32_t begin, int32_t end) {
    if (m_tokens.ids.size() >= m_limit) {
      m_tokens.truncated = true;
      return;
    }
    m_tokens.ids.push_back(id);
    if (m_with_offsets) m_tokens.offsets.push_back({begin, end});
    if (m_blanks != nullptr) m_blanks->push_back(kUnknownBlanks);
  }
  // The same for tokens that nobody wants the offsets or blanks of.
  void add_ids(std::span<const int32_t> ids) {
    const size_t count = std::min(ids.size(), m_limit - std::min(m_limit, m_tokens.ids.size()));
    m_tokens.ids.insert(m_tokens.ids.end(), ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count));
    m_tokens.truncated = m_tokens.truncated || count < ids.size();
  }
  // A token that is written as the text it stands for: an added one, with the blanks that it took along.
  void add_text_token(int32_t id, int32_t begin, int32_t end, std::string_view text) {
    add(id, begin, end);
    if (m_blanks != nullptr && !truncated()) m_blanks->back() = count_blanks(text);
  }

  // A token whose blanks are counted already, or kUnknownBlanks.
  void add_counted(int32_t id, TokenOffset offset, TokenBlanks blanks) {
    add(id, offset.begin, offset.end);
    if (m_blanks != nullptr && !truncated()) m_blanks->back() = blanks;
  }

  // A token had to be left out: whatever follows in the text changes nothing.
  bool truncated() const { return m_tokens.truncated; }
  size_t size() const { return m_tokens.ids.size(); }
  // How many tokens there was room for at the start.
  size_t room() const { return m_limit - m_start; }
  bool keeps_offsets() const { return m_with_offsets; }
  // Takes back the tokens after the first size.
  void shrink(size_t size);

 private:
  TokenSequence& m_tokens;
  size_t m_start;
  size_t m_limit;
  bool m_with_offsets;
  std::vector<TokenBlanks>* m_blanks = nullptr;
};

}  // namespace vivace
