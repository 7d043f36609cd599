// What config.json says about a DeBERTa-v2 or -v3 encoder.
#pragma once

#include <optional>

#include "models/config_reading.h"
#include "models/convolution_layer.h"
#include "models/disentangled_positions.h"
#include "models/embedding_layer.h"
#include "models/post_norm_layer.h"

namespace vivace {

struct DebertaV2Config {
  EmbeddingLayerConfig embeddings;
  PostNormConfig layer;
  int layers = 0;
  int max_tokens = 0;
  int score_terms = 1;    // content to content, and those of pos_att_type
  bool relative = false;  // relative_attention: the two terms below may be there
  bool content_to_position = false;
  bool position_to_content = false;
  bool shared_projections = false;  // share_att_key
  bool normalised_positions = false;
  DistanceBuckets buckets;
  std::optional<ConvolutionConfig> convolution;
};

// kInvalidArgument for values out of range, kUnsupported for options that are not supported, each by name.
Result<DebertaV2Config> read_deberta_v2_config(const JsonValue& config);

}  // namespace vivace
