// Added tokens: words that stand outside the model's vocabulary rules and are cut out of a text before anything else.
//
// Matching is the package's: leftmost, then longest, from left to right without overlap; a match that single_word
// rejects still uses up its bytes; lstrip and rstrip take the white space beside the match with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace vivace {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space after it
  bool normalized = false;   // is looked for in the normalised text, in its normalised form
  bool special = false;
};

struct AddedTokenMatch {
  int32_t id = 0;
  size_t begin = 0;  // bytes of the text, white space taken along included
  size_t end = 0;
};

// Immutable, thread-safe.
class AddedTokenMatcher {
 public:
  // Looks for each token's pattern, which must not be empty. Of equal patterns the first counts.
  struct Pattern {
    std::string text;
    AddedToken token;
  };
  explicit AddedTokenMatcher(std::vector<Pattern> patterns);

  bool empty() const { return m_patterns.empty(); }
  // Of the text's bytes [begin, end) the first that a pattern may start with; end if there is none.
  size_t next_start(std::string_view text, size_t begin, size_t end) const;
  bool may_start_with(uint8_t byte) const { return m_first_bytes[byte]; }
  // Length of the longest pattern in bytes.
  size_t longest_pattern() const { return m_longest; }

 private:
  friend class AddedTokenScanner;
  static ByteTrie build_trie(const std::vector<Pattern>& patterns);

  std::vector<Pattern> m_patterns;
  ByteTrie m_trie;  // value: index into m_patterns
  std::array<bool, 256> m_first_bytes{};
  std::optional<uint8_t> m_only_first_byte;  // '<' or '[' in most files: libc looks for one byte at great speed
  size_t m_longest = 0;
};

// The matches of one text, asked for from left to right.
class AddedTokenScanner {
 public:
  // Both must outlive the scanner. The text is UTF-8.
  AddedTokenScanner(const AddedTokenMatcher& matcher, std::string_view text) : m_matcher(matcher), m_text(text) {}

  // The match whose pattern begins at exactly this byte, if any. Positions must not decrease.
  std::optional<AddedTokenMatch> match_at(size_t position);
  // The first match whose pattern begins in [begin, end).
  std::optional<AddedTokenMatch> next(size_t begin, size_t end);
  // Where the next match may begin: right after the last one's pattern, which may be inside the space it took along.
  size_t resume() const { return m_resume; }
  // Goes back to where another scanner of the same text stands.
  void rewind_to(const AddedTokenScanner& other) {
    m_resume = other.m_resume;
    m_covered = other.m_covered;
  }

 private:
  bool stands_alone(size_t begin, size_t end) const;

  const AddedTokenMatcher& m_matcher;
  std::string_view m_text;
  size_t m_resume = 0;
  size_t m_covered = 0;  // end of the last match
};

}  // namespace vivace
