// Token sequences to one PackedBatch, equal ones only once: what they are computed to does not depend on anything else.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "models/packed_batch.h"
#include "text/token_sequence.h"

namespace vivace {

class BatchPacker {
 public:
  void clear();
  // The place of the sequence in the batch: that of an equal one which is there already, or a new one.
  int add(const TokenSequence& tokens);
  // A place of its own, with marks (positions within the sequence, ascending).
  int add_marked(const TokenSequence& tokens, const std::vector<int32_t>& marks);
  const PackedBatch& batch() const { return m_batch; }

 private:
  bool is_equal(const TokenSequence& tokens, int place) const;
  int append(const TokenSequence& tokens);

  PackedBatch m_batch;
  std::unordered_multimap<size_t, int> m_places;  // by hash of the ids
};

}  // namespace vivace
