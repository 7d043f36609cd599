// The package's BertPreTokenizer: words end at white space, and every punctuation character is a word of its own.
#pragma once

#include "text/unicode_tables.h"

namespace vivace {

enum class WordBreak { kInside, kSpace, kIsolated };

// What a character of the normalised text does to the word before it.
inline WordBreak bert_word_break(const CodePointInfo& info) {
  if (info.has(kWhiteSpace)) return WordBreak::kSpace;
  return info.has(kPunctuation) ? WordBreak::kIsolated : WordBreak::kInside;
}

}  // namespace vivace
