// Reads the safetensors format (https://github.com/huggingface/safetensors, "Format"): 8 bytes little-endian length of
// a JSON header, the header (name → dtype, shape, data_offsets), then the tensors' bytes without gaps or overlaps.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "base/status.h"
#include "tensor/tensor_view.h"

namespace vivace {

// Checks a whole file's bytes and lists its tensors. kCorruptFile with the reason when the header lies: truncated, not
// JSON, a duplicate name, offsets out of order, out of range, overlapping or with gaps, a size that does not fit the
// shape. kUnsupported for a dtype that we do not know. The views point into `bytes`.
Result<std::map<std::string, TensorView, std::less<>>> parse_safetensors(std::string_view bytes,
                                                                         std::string_view origin);

}  // namespace vivace
