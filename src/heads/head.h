// What turns hidden states into logits: a choice of tokens, perhaps a dense layer with activation and norm, and the
// output layer. Every head of every architecture has this form; heads/head_layout.h says where its weights are.
#pragma once

#include <cstdint>
#include <optional>

#include "models/packed_batch.h"
#include "ops/execution_context.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"

namespace vivace {

enum class HeadTokens : uint8_t {
  kEach,    // a row of logits for each token
  kMarked,  // for each token that the batch marks
  kFirst,   // for each sequence, out of its first token
  kMean,    // for each sequence, out of the mean of its tokens
};

struct Head {
  HeadTokens tokens = HeadTokens::kEach;
  std::optional<Linear> dense;
  Activation activation = Activation::kNone;  // after the dense layer
  std::optional<LayerNorm> norm;              // after the activation
  Linear output;
};

// The rows of each sequence's first token, in memory of context.scratch[0].
MatrixView<const float> first_rows(const ExecutionContext& context, const PackedBatch& batch,
                                   MatrixView<const float> hidden);

//   hidden  [batch.tokens(), hidden_size]
// Returns the logits, in memory of context.scratch[0].
MatrixView<const float> run_head(const ExecutionContext& context, const Head& head, const PackedBatch& batch,
                                 MatrixView<const float> hidden);

}  // namespace vivace
