#include "models/distilbert.h"

#include <string>
#include <utility>

#include "models/config_reading.h"
#include "models/post_norm_encoder.h"

namespace vivace {
namespace {

constexpr double kEpsilon = 1e-12;  // fixed: the configuration has no key for it

constexpr PostNormNames kNames{
    .qkv = {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
    .attention_output = "attention.out_lin",
    .attention_norm = "sa_layer_norm",
    .intermediate = "ffn.lin1",
    .output = "ffn.lin2",
    .output_norm = "output_layer_norm",
};

Result<PostNormEncoderConfig> read_config(const JsonValue& config) {
  PostNormEncoderConfig distilbert{.architecture = "distilbert", .embeddings = {}, .layer = {}};
  EmbeddingLayerConfig& embeddings = distilbert.embeddings;
  PostNormConfig& layer = distilbert.layer;
  ASSIGN_OR_RETURN(embeddings.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(layer.hidden_size, read_size(config, "dim", kMaxHiddenSize));
  ASSIGN_OR_RETURN(distilbert.layers, read_size(config, "n_layers", kMaxLayers));
  ASSIGN_OR_RETURN(layer.heads, read_size(config, "n_heads", kMaxHeads));
  ASSIGN_OR_RETURN(layer.intermediate_size, read_size(config, "hidden_dim", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(embeddings.positions, read_size(config, "max_position_embeddings", kMaxPositions));
  ASSIGN_OR_RETURN(layer.activation, read_activation(config, "activation", "gelu"));
  RETURN_IF_ERROR(check_heads(config, layer.hidden_size, layer.heads, "n_heads"));
  layer.epsilon = kEpsilon;
  embeddings.hidden_size = layer.hidden_size;
  embeddings.epsilon = kEpsilon;
  distilbert.max_tokens = embeddings.positions;
  return distilbert;
}

}  // namespace

Result<std::unique_ptr<const Encoder>> load_distilbert(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const PostNormEncoderConfig config, read_config(directory.config()));
  return load_post_norm_encoder(
      directory, target, config,
      {.prefix = "distilbert",
       .layers = "transformer.layer",
       .names = kNames,
       .unused = {"vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "pre_classifier.", "classifier.",
                  "qa_outputs.", "embeddings.position_ids"}});
}

}  // namespace vivace
