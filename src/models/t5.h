// T5, T5 v1.1, CodeT5 and CodeT5+ (220M) as encoder-decoders.
#pragma once

#include <memory>

#include "models/encoder_decoder.h"

namespace vivace {

Result<std::unique_ptr<const EncoderDecoder>> load_t5(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
