// Multi-head self-attention over a packed batch without padding (Vaswani et al. 2017).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/execution_context.h"
#include "ops/linear.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"
#include "tensor/tensor_view.h"

namespace vivace {

// What attention beside weights of that type computes its products in: kBF16 where they are of less than fp32 and the
// CPU is good at it, else kF32.
DType attention_dtype(const KernelTable& kernels, DType weights);

// One layer's tables for the position terms of RelativePositions, in attention's type. Each is empty when it has no
// part in the scores.
struct RelativePositionTables {
  std::vector<PackedMatrix> keys;  // of each head, head_dim inputs and one output for each position
  std::vector<PackedMatrix> queries;
};

struct SelfAttention {
  std::span<const int32_t> offsets;  // [sequences + 1]: rows offsets[i] … offsets[i+1]-1 belong to sequence i
  int heads = 0;
  DType dtype = DType::kF32;        // as attention_dtype() tells
  int score_terms = 1;              // scores are scaled by 1/√(head_dim · score_terms)
  std::optional<float> scale = {};  // of the scores, instead of that
  // Only the results of each sequence's first token are computed.
  bool first_tokens_only = false;
  int window = kUnlimitedWindow;  // tokens farther apart than this do not see each other
  // Largest distance for which the two tables below have entries.
  int longest_distance = 0;
  // [heads, entries]: added to the unscaled scores; from -longest_distance to longest_distance + kDistancePadding, so
  // 2 · longest_distance + 1 + kDistancePadding entries for each head. nullptr: none
  const float* distance_bias = nullptr;
  // Points at distance 0, monotone, extent as RelativePositions::index: the position of each distance; nullptr: none
  const int32_t* position_index = nullptr;
  const RelativePositionTables* positions = nullptr;  // given when position_index is
};

//   qkv      [tokens, 3 · heads · head_dim] f32: queries, keys and values of each token side by side
//   out      [tokens, heads · head_dim] f32, or [sequences, …] of their first tokens; must not overlap qkv
// A token sees the tokens of its own sequence, within the window, and of no other. Work is split over (sequence, head);
// scratch comes from each thread's arena.
void self_attention(const ExecutionContext& context, MatrixView<const float> qkv, const SelfAttention& attention,
                    MatrixView<float> out);

// linear(projection) and self_attention(). Where the heads come out even each thread projects its own ones alone and
// attends with them at once: threads wait once less, and no query, key or value goes from core to core.
//   x    [tokens, inputs of the projection]
//   qkv  [tokens, 3 · heads · head_dim] f32: memory for what the projection gives
void project_and_attend(const ExecutionContext& context, const LinearInput& x, const Linear& projection,
                        const SelfAttention& attention, MatrixView<float> qkv, MatrixView<float> out);

}  // namespace vivace
