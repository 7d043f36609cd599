#include "base/utf8.h"
#include "heads/head_layout.h"
#include "models/config_reading.h"

namespace vivace {
namespace {

Result<HeadTokens> read_pooling(const JsonValue& config) {
  ASSIGN_OR_RETURN(const std::string pooling, config.string_or("classifier_pooling", "cls"));
  if (pooling == "cls") return HeadTokens::kFirst;
  if (pooling == "mean") return HeadTokens::kMean;
  return config.fail("classifier_pooling '" + printable(pooling) + "' is unknown; known: cls, mean");
}

Result<LayerBias> read_bias(const JsonValue& config, std::string_view key, LayerBias fallback) {
  ASSIGN_OR_RETURN(const bool has_bias, config.bool_or(key, fallback == LayerBias::kPresent));
  return has_bias ? LayerBias::kPresent : LayerBias::kNone;
}

}  // namespace

// All heads begin with the same layer, head.dense and head.norm.
Result<HeadLayout> modernbert_head(ModelTask task, const JsonValue& config) {
  HeadLayout layout = token_classifier();
  layout.dense = "head.dense";
  layout.norm = "head.norm";
  ASSIGN_OR_RETURN(layout.activation, read_activation(config, "classifier_activation", "gelu"));
  ASSIGN_OR_RETURN(layout.epsilon, read_epsilon(config, "norm_eps", 1e-5));
  ASSIGN_OR_RETURN(layout.dense_bias, read_bias(config, "classifier_bias", LayerBias::kNone));
  ASSIGN_OR_RETURN(layout.norm_bias, read_bias(config, "norm_bias", LayerBias::kNone));
  if (task == ModelTask::kSequenceClassification) {
    ASSIGN_OR_RETURN(layout.tokens, read_pooling(config));
  } else if (task == ModelTask::kMaskedLanguageModel) {
    layout.tokens = HeadTokens::kMarked;
    layout.output = "decoder";
    ASSIGN_OR_RETURN(layout.output_has_bias, read_bias(config, "decoder_bias", LayerBias::kPresent));
    layout.word_embeddings = "model.embeddings.tok_embeddings.weight";
  }
  return layout;
}

}  // namespace vivace
