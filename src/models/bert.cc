#include "models/bert.h"

#include <string>
#include <utility>

#include "models/config_reading.h"
#include "models/post_norm_encoder.h"

namespace vivace {
namespace {

constexpr PostNormNames kNames{
    .qkv = {"attention.self.query", "attention.self.key", "attention.self.value"},
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .intermediate = "intermediate.dense",
    .output = "output.dense",
    .output_norm = "output.LayerNorm",
};

Result<PostNormEncoderConfig> read_config(const JsonValue& config) {
  PostNormEncoderConfig bert{.architecture = "bert", .embeddings = {}, .layer = {}};
  EmbeddingLayerConfig& embeddings = bert.embeddings;
  PostNormConfig& layer = bert.layer;
  ASSIGN_OR_RETURN(embeddings.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(layer.hidden_size, read_size(config, "hidden_size", kMaxHiddenSize));
  ASSIGN_OR_RETURN(bert.layers, read_size(config, "num_hidden_layers", kMaxLayers));
  ASSIGN_OR_RETURN(layer.heads, read_size(config, "num_attention_heads", kMaxHeads));
  ASSIGN_OR_RETURN(layer.intermediate_size, read_size(config, "intermediate_size", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(embeddings.positions, read_size(config, "max_position_embeddings", kMaxPositions));
  ASSIGN_OR_RETURN(embeddings.types, read_size(config, "type_vocab_size", kMaxTypes));
  ASSIGN_OR_RETURN(layer.epsilon, read_epsilon(config, "layer_norm_eps", 1e-12));
  ASSIGN_OR_RETURN(layer.activation, read_activation(config, "hidden_act", "gelu"));
  RETURN_IF_ERROR(check_heads(config, layer.hidden_size, layer.heads, "num_attention_heads"));
  RETURN_IF_ERROR(require_value(config, "position_embedding_type", "absolute"));
  RETURN_IF_ERROR(refuse_decoder(config));
  embeddings.hidden_size = layer.hidden_size;
  embeddings.epsilon = layer.epsilon;
  bert.max_tokens = embeddings.positions;
  return bert;
}

}  // namespace

Result<std::unique_ptr<const Encoder>> load_bert(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const PostNormEncoderConfig config, read_config(directory.config()));
  return load_post_norm_encoder(
      directory, target, config,
      {.prefix = "bert",
       .layers = "encoder.layer",
       .names = kNames,
       .unused = {"pooler.", "cls.", "classifier.", "qa_outputs.", "embeddings.position_ids"}});
}

}  // namespace vivace
