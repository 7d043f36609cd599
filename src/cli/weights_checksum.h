// Whether a model's weights are the ones that somebody expects.
#pragma once

#include <string>

#include "base/status.h"
#include "engine/engine.h"

namespace vivace {

// The weights that loading the directory with these options would read: a packed file (also one beside the checkpoint),
// model.safetensors, all shards one after the other in the order of their names, or an ONNX file. kCorruptFile, with
// their names, when they have another SHA-256 than the expected one; kUnsupported when an ONNX file keeps them in other
// files. Any will do when nothing is expected.
Result<void> check_weights_sha256(const std::string& directory, const EngineOptions& options,
                                  const std::string& expected);

}  // namespace vivace
