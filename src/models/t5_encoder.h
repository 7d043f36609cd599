// The encoder half of T5 alone, for embeddings (sentence-T5, GTR and the like).
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

// Takes encoder-only and whole checkpoints; of the latter the decoder is left out.
Result<std::unique_ptr<const Encoder>> load_t5_encoder(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
