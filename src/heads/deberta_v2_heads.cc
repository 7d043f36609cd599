#include "heads/head_layout.h"
#include "models/config_reading.h"

namespace vivace {

Result<HeadLayout> deberta_v2_head(ModelTask task, const JsonValue& config) {
  HeadLayout layout = token_classifier();
  if (task == ModelTask::kSequenceClassification) {
    layout.tokens = HeadTokens::kFirst;
    layout.dense = "pooler.dense";
    ASSIGN_OR_RETURN(layout.activation, read_activation(config, "pooler_hidden_act", "gelu"));
  } else if (task == ModelTask::kMaskedLanguageModel) {
    // `legacy` is the head of the first conversions; the other one has the names of the original code.
    ASSIGN_OR_RETURN(const bool legacy, config.bool_or("legacy", true));
    layout.tokens = HeadTokens::kMarked;
    layout.dense = legacy ? "cls.predictions.transform.dense" : "lm_predictions.lm_head.dense";
    ASSIGN_OR_RETURN(layout.activation, read_activation(config, "hidden_act", "gelu"));
    layout.norm = legacy ? "cls.predictions.transform.LayerNorm" : "lm_predictions.lm_head.LayerNorm";
    ASSIGN_OR_RETURN(layout.epsilon, read_epsilon(config, "layer_norm_eps", 1e-7));
    layout.output = legacy ? "cls.predictions.decoder" : "";
    layout.output_bias = legacy ? "cls.predictions.bias" : "lm_predictions.lm_head.bias";
    layout.word_embeddings = "deberta.embeddings.word_embeddings.weight";
  }
  return layout;
}

}  // namespace vivace
