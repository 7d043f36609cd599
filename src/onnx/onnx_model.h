// A Model over an ONNX file, as exporters write them beside a config.json. Padding exists only in this folder.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "formats/model_directory.h"
#include "models/model.h"
#include "onnx/onnx_file.h"
#include "onnx/onnx_session.h"

namespace vivace {

struct OnnxOptions {
  std::string file;  // relative to the directory; empty: find_onnx_file()'s choice
  int threads = 0;   // of the engine; 0 or more than the process may use: as many as it may use
};

// Opens the file and checks its inputs (input_ids, attention_mask, token_type_ids, position_ids), its outputs
// (onnx_signature.h) and its tables against config.json. kNotFound without a file; kUnsupported when this build has no
// engine, or the file has another input or output, or an operation that the engine does not know; kCorruptFile when it
// contradicts itself or config.json.
//
// The model's run() uses the engine's own threads, not the pool. A text's numbers are the same within float rounding
// whatever stands beside it (exactly the same in files that quantise dynamically: there each sequence runs alone).
Result<std::unique_ptr<const Model>> load_onnx_model(const ModelDirectory& directory, const OnnxOptions& options);

// The same over a session that is open.
Result<std::unique_ptr<const Model>> make_onnx_model(const ModelDirectory& directory, const OnnxFileFacts& facts,
                                                     std::unique_ptr<const OnnxSession> session);

}  // namespace vivace
