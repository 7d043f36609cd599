#include "heads/head_layout.h"
#include "models/config_reading.h"

namespace vivace {

Result<HeadLayout> distilbert_head(ModelTask task, const JsonValue& config) {
  HeadLayout layout = token_classifier();
  if (task == ModelTask::kSequenceClassification) {
    layout.tokens = HeadTokens::kFirst;
    layout.dense = "pre_classifier";
    layout.activation = Activation::kRelu;
  } else if (task == ModelTask::kMaskedLanguageModel) {
    layout.tokens = HeadTokens::kMarked;
    layout.dense = "vocab_transform";
    ASSIGN_OR_RETURN(layout.activation, read_activation(config, "activation", "gelu"));
    layout.norm = "vocab_layer_norm";
    layout.epsilon = 1e-12;
    layout.output = "vocab_projector";
    layout.word_embeddings = "distilbert.embeddings.word_embeddings.weight";
  }
  return layout;
}

}  // namespace vivace
