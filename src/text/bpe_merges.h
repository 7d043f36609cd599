// The merges of a BPE model: which two neighbouring tokens become one, the lowest rank first. Immutable, thread-safe.
//
// Reading: R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units", ACL 2016.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/token_model.h"

namespace vivace {

struct BpeMerge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t merged = 0;
};

class BpeMerges {
 public:
  // merges by rank; of two for the same pair the later one counts, as in the package.
  explicit BpeMerges(std::span<const BpeMerge> merges);

  // Merges the tokens from (*tokens)[first] on: always the pair of the lowest rank, of equal ones the leftmost.
  // O(n log n) in their number.
  void apply(size_t first, std::vector<ModelToken>* tokens) const;

 private:
  static constexpr uint32_t kNoRank = UINT32_MAX;
  static constexpr size_t kShort = 64;  // tokens that a scan merges faster than a heap

  struct Target {
    uint32_t rank = kNoRank;
    int32_t id = 0;
  };
  struct Slot {
    uint64_t pair = UINT64_MAX;
    Target target;
  };
  friend class BpeMergeHeap;

  size_t slot_of(uint64_t pair) const;
  Target find(const ModelToken& left, const ModelToken& right) const;
  size_t merge_short(std::span<ModelToken> tokens) const;

  std::vector<Slot> m_slots;  // open addressing; a power of two, at most half full
  int m_shift = 0;
};

}  // namespace vivace
