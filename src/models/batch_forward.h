// Runs an encoder over a whole batch on all threads, in the cheaper of two ways:
//  - each thread takes groups of whole sequences and never waits for the others (many sequences);
//  - all threads share every operation (few or long sequences).
// Both give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "models/encoder.h"
#include "models/packed_batch.h"
#include "tensor/arena.h"

namespace vivace {

// Consecutive sequences first … last-1 of a batch.
struct SequenceGroup {
  int first = 0;
  int last = 0;
  int tokens = 0;
};

// Scratch memory for forward passes, reused from pass to pass, so that a warm one allocates nothing. One pass at a
// time.
class ForwardWorkspace {
 public:
  explicit ForwardWorkspace(int threads)
      : m_arenas(static_cast<size_t>(threads)), m_offsets(static_cast<size_t>(threads)) {}

  std::span<Arena> arenas() { return m_arenas; }
  std::vector<SequenceGroup>& groups() { return m_groups; }
  std::vector<int32_t>& offsets(int thread) { return m_offsets[static_cast<size_t>(thread)]; }
  size_t capacity_bytes() const;

 private:
  std::vector<Arena> m_arenas;
  std::vector<SequenceGroup> m_groups;
  std::vector<std::vector<int32_t>> m_offsets;  // of each thread's group
};

// What groups of a batch of so many tokens are to have: enough that a pass over the weights pays, few enough for the
// cache, and in between so many that each thread gets one.
int group_tokens(int tokens, int threads);
// Cuts a batch into groups of about target_tokens, longer sequences alone, in the batch's order. Pure.
std::vector<SequenceGroup> cut_into_groups(const PackedBatch& batch, int target_tokens);
// The same into *groups, whose memory is used again.
void cut_into_groups(const PackedBatch& batch, int target_tokens, std::vector<SequenceGroup>* groups);

// The group's part of the batch; its offsets, which start at 0 again, are written to *offsets.
BatchSlice slice_batch(const PackedBatch& batch, const SequenceGroup& group, std::vector<int32_t>* offsets);

// The order in which threads take them.
void largest_first(std::vector<SequenceGroup>* groups);

// Whether `threads` threads that take groups largest first would all be busy for nearly the whole time. Pure.
bool groups_balance(std::vector<SequenceGroup> groups, int threads);

enum class NeededTokens : uint8_t { kAll, kFirst };

// Hidden states of the last layer, [batch.tokens(), hidden_size]; they live in the workspace until its next use. With
// kFirst only those of each sequence's first token are sure to be there.
MatrixView<const float> forward_batch(const Encoder& encoder, const KernelTable& kernels, const PackedBatch& batch,
                                      ThreadPool& pool, ForwardWorkspace& workspace,
                                      NeededTokens needed = NeededTokens::kAll);

}  // namespace vivace
