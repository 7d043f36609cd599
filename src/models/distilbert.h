// DistilBERT encoders (Sanh et al. 2019; transformers' modeling_distilbert.py): learned or
// sinusoidal absolute positions (both are stored), post-layer-norm, no token types.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

Result<std::unique_ptr<const Encoder>> load_distilbert(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
