// A text on its way through normalisers and pre-tokenizers: its bytes, and for each of them the code points of the
// original text that it came from. What the package calls a NormalizedString.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/token_sequence.h"

namespace vivace {

struct AlignedText {
  std::string bytes;                    // UTF-8
  std::vector<TokenOffset> alignments;  // of each byte; all bytes of a character have the same
  int32_t origin = 0;                   // where the text begins in the original, in code points

  // Replaces all by text as it stands in the original from code point begin on.
  void assign(std::string_view text, int32_t begin);
  void clear();
  void append(std::string_view text, TokenOffset alignment);
  // Bytes [begin, end) of another text with their alignments.
  void append(const AlignedText& other, size_t begin, size_t end);
  void swap(AlignedText* other);
};

// A character of a changed text and how it came about: 0 replaces the next old character, 1 was inserted after the one
// before, -n replaces the next old character and removes n more.
struct TextChange {
  char32_t character = 0;
  int32_t change = 0;
};

// Makes text what the changes say. Total: changes that go past the end of the text take the last alignment.
void apply_changes(std::span<const TextChange> changes, AlignedText* text);

}  // namespace vivace
