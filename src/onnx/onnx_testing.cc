#include "onnx/onnx_testing.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <gtest/gtest.h>

#include "base/check.h"
#include "formats/safetensors.h"
#include "onnx/openvino_module.h"

namespace vivace {
namespace {

template <typename T>
T must(Result<T> result) {
  CHECK(result.has_value());
  return std::move(*result);
}

}  // namespace

std::string onnx_path(std::string_view name) {
  return std::string(VIVACE_SOURCE_DIR) + "/tests/onnx/" + std::string(name);
}

OnnxReference::OnnxReference(std::string_view directory)
    : m_file(must(MappedFile::open(onnx_path(directory) + "/reference.safetensors"))),
      m_tensors(must(parse_safetensors(m_file.bytes(), "reference.safetensors"))) {
  while (m_tensors.contains("ids." + std::to_string(m_sequences))) ++m_sequences;
}

std::vector<int32_t> OnnxReference::integers(const std::string& name) const {
  const TensorView& tensor = m_tensors.at(name);
  CHECK(tensor.dtype == DType::kI32);
  std::vector<int32_t> values(tensor.bytes() / sizeof(int32_t));
  std::memcpy(values.data(), tensor.data, tensor.bytes());
  return values;
}

PackedBatch OnnxReference::batch(const std::vector<int>& sequences) const {
  PackedBatch batch;
  for (const int i : sequences)
    batch.append(integers("ids." + std::to_string(i)), integers("types." + std::to_string(i)));
  return batch;
}

std::vector<float> OnnxReference::output(int sequence, std::string_view name) const {
  const TensorView& tensor = m_tensors.at("out." + std::to_string(sequence) + "." + std::string(name));
  std::vector<float> values(tensor.bytes() / sizeof(float));
  std::memcpy(values.data(), tensor.data, tensor.bytes());
  return values;
}

Result<std::unique_ptr<const Model>> load_onnx_directory(const std::string& path, const std::string& file) {
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(path));
  return load_onnx_model(directory, {.file = file, .threads = 2});
}

std::vector<float> run_onnx(const Model& model, const PackedBatch& batch, ModelOutput output) {
  ThreadPool pool(1);
  ForwardWorkspace workspace(1);
  const auto rows = model.run(batch, output, pool, workspace);
  std::vector<float> values;
  EXPECT_TRUE(rows.has_value()) << rows.error().message;
  if (!rows) return values;
  for (int row = 0; row < rows->rows; ++row)
    values.insert(values.end(), rows->row(row), rows->row(row) + rows->columns);
  return values;
}

double relative_difference(const std::vector<float>& found, const std::vector<float>& expected) {
  if (found.size() != expected.size()) return 1e9;
  double largest = 1e-9;
  double difference = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    // The comparison lets NaN through as a difference.
    const double here = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    difference = here <= difference ? difference : here;
  }
  return std::isnan(difference) ? 1e9 : difference / largest;
}

bool has_openvino() {
  return open_openvino_module().has_value();
}

}  // namespace vivace
