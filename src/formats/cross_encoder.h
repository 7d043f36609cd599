// The files that sentence-transformers writes beside a cross-encoder's checkpoint (from version 6 on).
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "formats/task_config.h"
#include "formats/transformer_module.h"

namespace vivace {

struct CrossEncoderConfig {
  std::optional<ScoreActivation> activation;  // of the score, where the files say it
  TransformerModule transformer;
};

// Of a model's folder; nullopt unless config_sentence_transformers.json says that the model is a CrossEncoder.
// kUnsupported for modules other than one Transformer with a classification head, and for a default prompt.
Result<std::optional<CrossEncoderConfig>> read_cross_encoder(const std::string& directory);

}  // namespace vivace
