// How much memory a model's weights will take, told by names, shapes and sizes before anything is loaded.
#pragma once

#include <cstddef>

#include "base/status.h"
#include "engine/engine.h"
#include "formats/model_directory.h"

namespace vivace {

// At least as many bytes as ModelInfo::packed_bytes says after the load, in the precision and from the file that the
// options lead to. The errors of finding that out.
Result<size_t> estimate_weight_bytes(const ModelDirectory& model, const EngineOptions& options);

}  // namespace vivace
