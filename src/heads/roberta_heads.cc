#include "heads/head_layout.h"
#include "models/config_reading.h"

namespace vivace {

Result<HeadLayout> roberta_head(ModelTask task, const JsonValue& config) {
  HeadLayout layout = token_classifier();
  if (task == ModelTask::kSequenceClassification) {
    layout.tokens = HeadTokens::kFirst;
    layout.dense = "classifier.dense";
    layout.activation = Activation::kTanh;
    layout.output = "classifier.out_proj";
  } else if (task == ModelTask::kMaskedLanguageModel) {
    layout.tokens = HeadTokens::kMarked;
    layout.dense = "lm_head.dense";
    layout.activation = Activation::kGelu;  // whatever hidden_act says
    layout.norm = "lm_head.layer_norm";
    ASSIGN_OR_RETURN(layout.epsilon, read_epsilon(config, "layer_norm_eps", 1e-12));
    layout.output = "lm_head.decoder";
    layout.output_bias = "lm_head.bias";
    layout.word_embeddings = "roberta.embeddings.word_embeddings.weight";
  }
  return layout;
}

}  // namespace vivace
