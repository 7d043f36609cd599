// Runs an encoder over a whole batch on all threads, in the cheaper of two ways:
//  - each thread takes groups of whole sequences and never waits for the others (many sequences);
//  - all threads share every operation (few or long sequences).
// Both give the same bits.
#pragma once

#include <cstddef>
#include <vector>

#include "base/thread_pool.h"
#include "models/encoder.h"
#include "models/packed_batch.h"
#include "tensor/arena.h"

namespace vivace {

// Scratch memory for forward passes, reused from pass to pass. One pass at a time.
class ForwardWorkspace {
 public:
  explicit ForwardWorkspace(int threads) : m_arenas(static_cast<size_t>(threads)) {}

  std::span<Arena> arenas() { return m_arenas; }
  size_t capacity_bytes() const;

 private:
  std::vector<Arena> m_arenas;
};

// Consecutive sequences first … last-1 of a batch.
struct SequenceGroup {
  int first = 0;
  int last = 0;
  int tokens = 0;
};

// Cuts a batch into groups of about target_tokens, longer sequences alone, in the batch's order. Pure.
std::vector<SequenceGroup> cut_into_groups(const PackedBatch& batch, int target_tokens);

// Whether `threads` threads that take groups largest first would all be busy for nearly the whole time. Pure.
bool groups_balance(const std::vector<SequenceGroup>& groups, int threads);

// Hidden states of the last layer, [batch.tokens(), hidden_size]; they live in the workspace until its next use.
MatrixView<const float> forward_batch(const Encoder& encoder, const KernelTable& kernels, const PackedBatch& batch,
                                      ThreadPool& pool, ForwardWorkspace& workspace);

}  // namespace vivace
