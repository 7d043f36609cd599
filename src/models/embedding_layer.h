// The input of BERT-like encoders: word, token-type and learned position embeddings, added and normalised.
#pragma once

#include <optional>

#include "models/encoder.h"
#include "models/weight_loading.h"

namespace vivace {

struct EmbeddingLayerConfig {
  int vocabulary_size = 0;
  int types = 0;      // 0: no token-type embeddings
  int positions = 0;  // 0: no position embeddings
  int hidden_size = 0;
  double epsilon = 0;
  // When given, tokens of this id get its number as their position and the others are counted from the one after it:
  // the way of fairseq's models.
  std::optional<int> padding_id;
};

struct EmbeddingLayer {
  EmbeddingLayerConfig config;
  AlignedBuffer<float> words;
  AlignedBuffer<float> types;
  AlignedBuffer<float> positions;
  LayerNorm norm;
};

// Tensors word_embeddings, token_type_embeddings, position_embeddings and LayerNorm of the scope.
EmbeddingLayer load_embedding_layer(LayerLoader& load, const WeightScope& embeddings,
                                    const EmbeddingLayerConfig& config);

//   hidden  [tokens, hidden_size], overwritten
void embed(const ExecutionContext& context, const EmbeddingLayer& layer, const BatchSlice& batch,
           MatrixView<float> hidden);

}  // namespace vivace
