// What an ONNX file says about itself, read before an engine may see it: the engine trusts the file's sizes and opens
// every file that it names.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// Where a model's ONNX file may be, relative to its directory, the first choice first: model.onnx,
// model_quantized.onnx, model_int8.onnx, model_fp16.onnx, and after these the same names in onnx/.
std::span<const std::string_view> onnx_file_names();

// The first of these files that exists: the one that is run when none is asked for.
std::optional<std::string> find_onnx_file(const std::string& directory);

struct OnnxFileFacts {
  std::string path;
  size_t parameters = 0;  // values of all initializers
  size_t file_bytes = 0;  // of the file and of what it keeps in other files
  std::string dtype;      // that most bytes of the initializers have: "F32", "I8", …
  // A scale for each run's activations is computed from all of them: a text's answer depends on what stands beside it.
  bool quantizes_dynamically = false;
};

// Reads directory/file and checks its initializers. kNotFound when it, or a file with its data, is missing;
// kCorruptFile when it is truncated or no ONNX model, a tensor's size does not fit its data, or it names data outside
// its folder by an absolute path or "..". A link inside the folder is followed: hub caches are made of links.
Result<OnnxFileFacts> read_onnx_file(const std::string& directory, const std::string& file);

}  // namespace vivace
