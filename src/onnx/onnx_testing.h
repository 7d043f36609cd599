// What the tests of this folder share: the directories of tests/onnx and their reference outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"
#include "models/model.h"
#include "onnx/onnx_model.h"
#include "tensor/tensor_view.h"

namespace vivace {

std::string onnx_path(std::string_view name);  // of tests/onnx

// reference.safetensors of a directory: sequences, and what onnxruntime computes for each alone.
class OnnxReference {
 public:
  explicit OnnxReference(std::string_view directory);
  int sequences() const { return m_sequences; }
  PackedBatch batch(const std::vector<int>& sequences) const;
  std::vector<float> output(int sequence, std::string_view name) const;

 private:
  std::vector<int32_t> integers(const std::string& name) const;
  MappedFile m_file;
  std::map<std::string, TensorView, std::less<>> m_tensors;
  int m_sequences = 0;
};

// The directory's model, or its error; file: of OnnxOptions.
Result<std::unique_ptr<const Model>> load_onnx_directory(const std::string& path, const std::string& file = "");

// The rows of that output for the batch, row after row.
std::vector<float> run_onnx(const Model& model, const PackedBatch& batch, ModelOutput output);

// Largest difference, relative to the largest expected value; 1e9 where the sizes differ.
double relative_difference(const std::vector<float>& found, const std::vector<float>& expected);

// Whether this build has the OpenVINO module.
bool has_openvino();

}  // namespace vivace
