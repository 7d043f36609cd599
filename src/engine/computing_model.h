// What computes a model directory, without its tokenizer.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "formats/model_directory.h"
#include "models/load_target.h"
#include "models/model.h"

namespace vivace {

struct ComputingModel {
  std::unique_ptr<const Model> model;
  bool is_onnx = false;  // an ONNX file computes, instead of kernels
};

// The one place that chooses: our own kernels, in the target's precision, where there are safetensors or a packed
// model, else an ONNX file (onnx/onnx_file.h says which), on that many threads. The errors of both.
Result<ComputingModel> load_computing_model(const ModelDirectory& directory, const LoadTarget& target, int threads);

// Whether that choice would fall on an ONNX file, for a directory or packed file and options like EngineOptions'; told
// without loading the model. false where nothing can be loaded.
bool takes_onnx_file(const std::string& path, const std::string& isa, Precision precision);

}  // namespace vivace
