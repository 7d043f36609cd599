// Where a checkpoint keeps the weights of a head, and how the head computes: data that each architecture family fills
// in from its config.json, in a file of its own.
#pragma once

#include <string>
#include <utility>

#include "base/json.h"
#include "base/status.h"
#include "formats/task_config.h"
#include "heads/head.h"
#include "models/weight_loading.h"

namespace vivace {

// Names are those of the checkpoint, its prefix included. A masked language model's output names its tensors one by
// one, since its bias may stand in two places and its weight be the embedding table.
struct HeadLayout {
  HeadTokens tokens = HeadTokens::kEach;
  std::string dense;  // layer before the output; empty: none
  LayerBias dense_bias = LayerBias::kPresent;
  Activation activation = Activation::kNone;
  std::string norm;  // after the dense layer; empty: none
  double epsilon = 0;
  LayerBias norm_bias = LayerBias::kPresent;
  std::string output;           // layer with weight and bias
  std::string output_bias;      // where the bias is when the layer has none
  std::string word_embeddings;  // table that serves as the weight when the layer has none
  LayerBias output_has_bias = LayerBias::kPresent;
};

// The layout of a task's head (not kEmbedding). Errors name the key of config.json.
Result<HeadLayout> bert_head(ModelTask task, const JsonValue& config);
Result<HeadLayout> distilbert_head(ModelTask task, const JsonValue& config);
Result<HeadLayout> roberta_head(ModelTask task, const JsonValue& config);
Result<HeadLayout> mpnet_head(ModelTask task, const JsonValue& config);
Result<HeadLayout> deberta_v2_head(ModelTask task, const JsonValue& config);
Result<HeadLayout> modernbert_head(ModelTask task, const JsonValue& config);

// What all families share: a classifier on each token, without a layer before it.
inline HeadLayout token_classifier() {
  HeadLayout layout;
  layout.output = "classifier";
  return layout;
}

}  // namespace vivace
