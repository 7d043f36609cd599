// Where an encoding run puts its tokens: counts them against the limit and keeps only what it was asked to keep.
//
// A split is what the package hands to its model at once: a pre-tokenized word. Added tokens are none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/post_processor.h"
#include "text/token_sequence.h"
#include "text/tokenizer.h"

namespace vivace {

// Blanks at both ends of a token's written form.
TokenBlanks count_blanks(std::string_view token);

// What a run leaves beside its tokens. Each is for the tokens of the run alone.
struct TokenNotes {
  // Of added tokens, which may have taken blanks along; kUnknownBlanks for tokens that look as in the vocabulary.
  std::vector<TokenBlanks> blanks;
  std::vector<size_t> split_begins;  // index of each split's first token
};
inline constexpr TokenBlanks kUnknownBlanks{UINT32_MAX, UINT32_MAX};

class TokenWriter {
 public:
  // Appends at most limit tokens to *tokens; offsets too, if kept.
  TokenWriter(TokenSequence* tokens, size_t limit, Offsets offsets)
      : m_tokens(*tokens),
        m_start(tokens->ids.size()),
        m_limit(limit > SIZE_MAX - m_start ? SIZE_MAX : m_start + limit),
        m_whole_limit(m_limit),
        m_split_begin(m_start),
        m_with_offsets(offsets == Offsets::kKeep) {}

  // The run ends with the split that brings it to this many tokens.
  void end_with_split_at(size_t tokens) { m_last_split = m_start + tokens; }
  // notes must outlive the run.
  void keep_blanks(TokenNotes* notes) { m_blanks = &notes->blanks; }
  void keep_splits(TokenNotes* notes) { m_split_begins = &notes->split_begins; }

  void add(int32_t id, int32_t begin, int32_t end) {
    if (m_tokens.ids.size() >= m_limit) {
      m_tokens.truncated = true;
      return;
    }
    m_tokens.ids.push_back(id);
    if (m_with_offsets) m_tokens.offsets.push_back({begin, end});
    if (m_blanks != nullptr) m_blanks->push_back(kUnknownBlanks);
  }
  // text: what was matched, blanks that it took along included.
  void add_added_token(int32_t id, int32_t begin, int32_t end, std::string_view text) {
    add(id, begin, end);
    if (m_blanks != nullptr && !truncated()) m_blanks->back() = count_blanks(text);
    m_split_begin = m_tokens.ids.size();
  }
  // The tokens since the last split or added token were one split.
  void end_split() {
    if (m_split_begins != nullptr) m_split_begins->push_back(m_split_begin - m_start);
    m_split_begin = m_tokens.ids.size();
    if (m_split_begin >= m_last_split && m_split_begin < m_limit) m_limit = m_split_begin;
  }

  // A token had to be left out: whatever follows in the text changes nothing.
  bool truncated() const { return m_tokens.truncated; }
  size_t size() const { return m_tokens.ids.size(); }
  // About how many tokens there is room for.
  size_t room() const { return std::min(m_limit, m_last_split) - m_start; }
  // Takes back the tokens after the first size.
  void shrink(size_t size);

 private:
  TokenSequence& m_tokens;
  size_t m_start;
  size_t m_limit;
  size_t m_whole_limit;
  size_t m_last_split = SIZE_MAX;
  size_t m_split_begin;
  bool m_with_offsets;
  std::vector<TokenBlanks>* m_blanks = nullptr;
  std::vector<size_t>* m_split_begins = nullptr;
};

}  // namespace vivace
