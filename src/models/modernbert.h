// ModernBERT encoders (Warner et al. 2024; transformers' modeling_modernbert.py): rotary positions, pre-layer-norm,
// gated feed-forward, and attention that sees all tokens in some layers and a window of them in the others.
#pragma once

#include <memory>

#include "models/encoder.h"

namespace vivace {

Result<std::unique_ptr<const Encoder>> load_modernbert(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
