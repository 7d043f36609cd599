// What a tokenizer makes of a text, and what the engine packs into batches.
#pragma once

#include <cstdint>
#include <vector>

namespace vivace {

// Where a token stands in its text, in Unicode code points: [begin, end). Special tokens that the template added have
// begin = end = 0.
struct TokenOffset {
  int32_t begin = 0;
  int32_t end = 0;
  bool operator==(const TokenOffset&) const = default;
};

struct TokenSequence {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;     // segment of each token: 0, or 1 in the second text of a pair
  std::vector<TokenOffset> offsets;  // empty unless asked for
  bool truncated = false;            // tokens were cut off to keep the limit

  void clear() {
    ids.clear();
    type_ids.clear();
    offsets.clear();
    truncated = false;
  }
};

}  // namespace vivace
