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
  std::string fallback;  // why it does although there are weights; empty: there are none
};

// The one place that chooses: our own kernels, in the target's precision, where there are safetensors or a packed
// model, else an ONNX file (onnx/onnx_file.h says which), on that many threads. Safetensors that cannot be used, be it
// that they are damaged or of an unknown architecture, leave the ONNX file beside them. The errors of both; of two
// that cannot be used, the first one's.
Result<ComputingModel> load_computing_model(const ModelDirectory& directory, const LoadTarget& target, int threads);

// What there is to choose from.
struct ModelSources {
  bool weights = false;    // for our own kernels
  bool onnx_file = false;  // to be taken in their place
};

// Of a directory or packed file and options like EngineOptions'; told without loading the model. Nothing where nothing
// can be loaded.
ModelSources find_model_sources(const std::string& path, const std::string& isa, Precision precision);

}  // namespace vivace
