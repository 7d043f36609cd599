// MPNet encoders (Song et al. 2020; transformers' modeling_mpnet.py): learned absolute positions, post-layer-norm, and
// one table of relative-position biases that all layers share.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

Result<std::unique_ptr<const Encoder>> load_mpnet(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
