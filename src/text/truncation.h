// How many tokens of a text, or of two, stay within a limit, and which; the arithmetic of the package's truncation.
#pragma once

#include <cstddef>
#include <vector>

#include "base/status.h"
#include "text/tokenizer.h"

namespace vivace {

// Tokens of the two texts of a pair.
struct PairLengths {
  size_t first = 0;
  size_t second = 0;
  bool operator==(const PairLengths&) const = default;
};

// What stays of each text so that both together have at most limit tokens. kInvalidArgument when the text that the
// strategy names would have to be cut to nothing.
Result<PairLengths> truncate_pair(PairLengths lengths, size_t limit, TruncationStrategy strategy);

struct TokenRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const TokenRange&) const = default;
};

// The limit (or fewer) of count tokens that stay.
TokenRange kept_range(size_t count, size_t limit, TruncationSide side);

// All windows of at most limit tokens; each but the first repeats stride tokens of the one before. The first is
// kept_range(). stride < limit. kTooLarge when the windows together would have more tokens than memory should.
Result<std::vector<TokenRange>> window_ranges(size_t count, size_t limit, size_t stride, TruncationSide side);

}  // namespace vivace
