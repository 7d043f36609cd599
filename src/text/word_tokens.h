// The tokens of one word on their way to a TokenWriter.
#pragma once

#include <vector>

#include "text/post_processor.h"
#include "text/token_sequence.h"

namespace vivace {

struct WordTokens {
  TokenSequence sequence;  // with offsets within the word, without type ids
  std::vector<TokenBlanks> blanks;

  void clear() {
    sequence.clear();
    blanks.clear();
  }
};

}  // namespace vivace
