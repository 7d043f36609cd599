// BERT encoders (Devlin et al. 2018; transformers' modeling_bert.py): learned absolute positions, post-layer-norm.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

Result<std::unique_ptr<const Encoder>> load_bert(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
