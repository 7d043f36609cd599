// The files that sentence-transformers writes beside a cross-encoder's checkpoint (from version 6 on).
#pragma once

#include <optional>

#include "base/status.h"
#include "formats/sentence_embedding.h"
#include "formats/task_config.h"

namespace vivace {

struct CrossEncoderConfig {
  std::optional<ScoreActivation> activation;  // of the score, where the files say it
  std::optional<int> max_tokens;
};

// nullopt unless config_sentence_transformers.json says that the model is a CrossEncoder. kUnsupported for modules
// other than one Transformer with a classification head, and for a default prompt.
Result<std::optional<CrossEncoderConfig>> read_cross_encoder(const SentenceEmbeddingFiles& files);

}  // namespace vivace
