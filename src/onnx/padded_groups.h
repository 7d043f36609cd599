// Which sequences of a batch an engine that wants rectangles computes together.
#pragma once

#include <vector>

#include "models/packed_batch.h"

namespace vivace {

enum class PaddingRule {
  kLittle,  // a group may have up to an eighth more places than tokens
  kNone,    // only sequences of one length together: the model has no mask
  kAlone,   // one sequence a group
};

// Sequences of the batch by index; each is padded to `longest`.
struct PaddedGroup {
  std::vector<int> sequences;
  int longest = 0;
};

// Every sequence in exactly one group, those of like length together; a group has at most max_places places, unless it
// has one sequence. Pure.
std::vector<PaddedGroup> cut_into_padded_groups(const PackedBatch& batch, PaddingRule rule, int max_places);

}  // namespace vivace
