// An encoder of embeddings and a stack of post-norm layers, whose attention may add a bias that depends on the head and
// the distance of two tokens. What BERT, DistilBERT and their like have in common; each brings names and numbers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/embedding_layer.h"
#include "models/encoder.h"
#include "models/post_norm_layer.h"

namespace vivace {

struct PostNormEncoderConfig {
  std::string architecture;
  int layers = 0;
  int max_tokens = 0;
  EmbeddingLayerConfig embeddings;
  PostNormConfig layer;
};

struct PostNormEncoderParts {
  EmbeddingLayer embeddings;
  std::vector<PostNormLayer> layers;
  AlignedBuffer<float> distance_bias;  // see SelfAttention; empty: none
};

// How a checkpoint names what such an encoder needs.
struct PostNormCheckpoint {
  std::string_view prefix;  // before all names, or left out: "bert"
  std::string_view layers;  // scope of the layers: "encoder.layer"
  PostNormNames names;      // inside a layer
  // Beginnings of names that may be there without being used: heads, which do not touch the hidden states.
  std::vector<std::string_view> unused;
};

// Reads the directory's weights and builds the encoder. The errors of WeightFiles::open and WeightLoader::finish.
Result<std::unique_ptr<const Encoder>> load_post_norm_encoder(const ModelDirectory& directory, const LoadTarget& target,
                                                              const PostNormEncoderConfig& config,
                                                              const PostNormCheckpoint& checkpoint);

// The steps of load_post_norm_encoder() for architectures that have more to load.
//
// Tensors layers.0, layers.1, … of the scope.
std::vector<PostNormLayer> load_post_norm_layers(LayerLoader& load, const WeightScope& layers,
                                                 const PostNormNames& names, const PostNormEncoderConfig& config);

// What info() says, but for the parameters that only an architecture knows.
EncoderInfo post_norm_info(const PostNormEncoderConfig& config, const LayerLoader& load, const WeightFiles& files);

std::unique_ptr<const Encoder> make_post_norm_encoder(EncoderInfo info, const PostNormEncoderConfig& config,
                                                      PostNormEncoderParts parts);

}  // namespace vivace
