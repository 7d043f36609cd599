// RoBERTa encoders (Liu et al. 2019; transformers' modeling_roberta.py) and the checkpoints of the same shape:
// learned absolute positions counted from the padding's on, post-layer-norm.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

// For the model types roberta, xlm-roberta and camembert.
Result<std::unique_ptr<const Encoder>> load_roberta(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
