#include "heads/head_layout.h"
#include "models/config_reading.h"

namespace vivace {

Result<HeadLayout> bert_head(ModelTask task, const JsonValue& config) {
  HeadLayout layout = token_classifier();
  if (task == ModelTask::kSequenceClassification) {
    layout.tokens = HeadTokens::kFirst;
    layout.dense = "bert.pooler.dense";
    layout.activation = Activation::kTanh;
  } else if (task == ModelTask::kMaskedLanguageModel) {
    layout.tokens = HeadTokens::kMarked;
    layout.dense = "cls.predictions.transform.dense";
    ASSIGN_OR_RETURN(layout.activation, read_activation(config, "hidden_act", "gelu"));
    layout.norm = "cls.predictions.transform.LayerNorm";
    ASSIGN_OR_RETURN(layout.epsilon, read_epsilon(config, "layer_norm_eps", 1e-12));
    layout.output = "cls.predictions.decoder";
    layout.output_bias = "cls.predictions.bias";
    layout.word_embeddings = "bert.embeddings.word_embeddings.weight";
  }
  return layout;
}

}  // namespace vivace
