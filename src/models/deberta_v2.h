// DeBERTa-v2 and -v3 encoders (He et al. 2021; transformers' modeling_deberta_v2.py): post-layer-norm, disentangled
// attention over contents and bucketed relative positions, optionally a convolution beside the first layer.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

Result<std::unique_ptr<const Encoder>> load_deberta_v2(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
