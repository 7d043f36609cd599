// config.json of a model that an ONNX file computes: only what the layers above ask for.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "models/encoder.h"

namespace vivace {

// What config.json says, under the names that the architectures have for it; architecture and sizes of files are the
// caller's. hidden_size and vocab_size must be there. max_tokens is 0 where the configuration has no limit.
// kInvalidArgument, naming the key, for a value that is missing or out of range.
Result<EncoderInfo> read_onnx_info(const JsonValue& config);

// Whether the architecture numbers its positions from after the padding token's id.
bool positions_start_after_padding(std::string_view model_type);

}  // namespace vivace
