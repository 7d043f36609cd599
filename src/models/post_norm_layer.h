// The layer of "Attention is all you need" (Vaswani et al. 2017): each half ends in a layer normalisation of the sum of
// its input and output. BERT and most of its descendants are stacks of it.
#pragma once

#include <array>
#include <string_view>

#include "models/weight_loading.h"
#include "ops/attention.h"

namespace vivace {

struct PostNormConfig {
  int hidden_size = 0;
  int heads = 0;
  int intermediate_size = 0;
  double epsilon = 0;
  Activation activation = Activation::kGelu;
};

// What a checkpoint calls the parts, below the layer's own scope.
struct PostNormNames {
  std::array<std::string_view, 3> qkv;
  std::string_view attention_output;
  std::string_view attention_norm;
  std::string_view intermediate;
  std::string_view output;
  std::string_view output_norm;
};

struct PostNormLayer {
  Linear qkv;  // queries, keys and values side by side
  Linear attention_output;
  LayerNorm attention_norm;
  Linear intermediate;
  Linear output;
  LayerNorm output_norm;

  size_t weight_bytes() const { return qkv.bytes() + attention_output.bytes() + intermediate.bytes() + output.bytes(); }
};

// Intermediate results, shared by the layers of a pass.
struct PostNormBuffers {
  MatrixView<float> qkv;
  MatrixView<float> attention;
  PreparedRows prepared;  // hidden states as a layer below fp32 reads them; without data: none of the layers does
};

// One layer of a stack.
struct PostNormStep {
  const PostNormConfig& config;
  const PostNormLayer& layer;
  const PostNormLayer* next = nullptr;  // which reads the result as it is, if there is one
};

PostNormLayer load_post_norm_layer(LayerLoader& load, const WeightScope& layer, const PostNormNames& names,
                                   const PostNormConfig& config);

// For stacks of such layers as this one.
PostNormBuffers post_norm_buffers(const ExecutionContext& context, int tokens, const PostNormConfig& config,
                                  const PostNormLayer& layer);

// x ← norm(x + attention(x)); x ← norm(x + output(activation(intermediate(x)))).
//   attention what the scores have besides q·k; with first_tokens_only only the first row of each sequence is computed
//   input     x, as this layer reads it
// Returns x as the next layer reads it.
LinearInput run_post_norm_layer(const ExecutionContext& context, const PostNormStep& step,
                                const SelfAttention& attention, const PostNormBuffers& buffers,
                                const LinearInput& input, MatrixView<float> x);

}  // namespace vivace
