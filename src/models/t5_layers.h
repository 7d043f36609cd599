// The parts that T5's encoder and decoder are made of (Raffel et al. 2020; transformers' modeling_t5.py): RMS norms
// before each half of a layer, attention without scaling or biases, one table of position biases for a whole stack.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/t5_config.h"
#include "models/weight_loading.h"

namespace vivace {

struct T5FeedForward {
  RmsNorm norm;
  Linear input;
  Linear gate;  // of gated models
  Linear output;
};

// Scope: "….DenseReluDense"'s layer ("encoder.block.0.layer.1").
T5FeedForward load_t5_feed_forward(LayerLoader& load, const WeightScope& layer, const T5Config& config);

// x ← x + output(activation(input(norm(x))) [· gate(norm(x))]). Intermediate results come from context.scratch[0].
void run_t5_feed_forward(const ExecutionContext& context, const T5FeedForward& layer, const T5Config& config,
                         MatrixView<float> x);

// The table [buckets, heads] of the stack's first layer.
AlignedBuffer<float> load_t5_bias_table(LayerLoader& load, const WeightScope& stack, const T5Config& config);

class T5EncoderStack {
 public:
  static T5EncoderStack load(LayerLoader& load, const WeightScope& scope, const T5Config& config);
  // To be called once the weights are known to be complete: spreads the position biases out over distances.
  void prepare(const T5Config& config);

  //   hidden  [tokens, hidden_size]: the embeddings, overwritten by the last layer's normalised states
  void forward(const ExecutionContext& context, std::span<const int32_t> offsets, const T5Config& config,
               MatrixView<float> hidden, const LayerObserver* observer) const;

 private:
  struct Layer {
    RmsNorm norm;
    Linear qkv;
    Linear attention_output;
    T5FeedForward feed_forward;
  };
  std::vector<Layer> m_layers;
  RmsNorm m_final_norm;
  AlignedBuffer<float> m_bias_table;
  AlignedBuffer<float> m_distance_bias;  // as SelfAttention::distance_bias
};

// What config and files say of the model.
EncoderInfo t5_info(const T5Config& config, const LayerLoader& load, const WeightFiles& files);

}  // namespace vivace
