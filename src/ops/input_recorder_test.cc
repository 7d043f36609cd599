// The sums are those of double precision, whatever the threads; only the layers that were named are recorded.
#include "ops/input_recorder.h"

#include <gmock/gmock.h>

#include "kernels/table_test_base.h"
#include "ops/linear.h"

namespace vivace {
namespace {

class InputRecorderTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(InputRecorderTest);

constexpr int kInputs = 37;
constexpr int kOutputs = 20;

Linear make_layer(const KernelTable& kernels, Precision precision) {
  Linear layer{PackedMatrix(kInputs, kOutputs, panel_layout(kernels, precision)), {}};
  layer.weight.pack_rows(random_floats(size_t{kInputs} * kOutputs, 1).data(), kOutputs, 0);
  return layer;
}

void run(const KernelTable& kernels, const Linear& layer, const std::vector<float>& values, int threads,
         InputRecorder* recorder) {
  ThreadPool pool(threads);
  std::vector<Arena> arenas(static_cast<size_t>(threads));
  const int rows = static_cast<int>(values.size()) / kInputs;
  std::vector<float> out(static_cast<size_t>(rows) * kOutputs);
  linear({&kernels, &pool, arenas, recorder}, MatrixView<const float>{values.data(), rows, kInputs, kInputs}, layer, {},
         {out.data(), rows, kOutputs, kOutputs});
}

TEST_P(InputRecorderTest, AddsUpTheProductsOfWhatALayerReads) {
  const Linear layer = make_layer(table(), Precision::kF32);
  const auto first = random_floats(size_t{300} * kInputs, 2);
  const auto second = random_floats(size_t{1} * kInputs, 3);
  for (const int threads : {1, 3}) {
    InputRecorder recorder;
    recorder.add_layer("layer", layer.weight);
    run(table(), layer, first, threads, &recorder);
    run(table(), layer, second, threads, &recorder);
    const auto products = recorder.take_products();
    ASSERT_EQ(products.size(), 1U);
    const InputProducts& found = products.at("layer");
    EXPECT_EQ(found.inputs, kInputs);
    EXPECT_EQ(found.rows, 301U);
    for (size_t i = 0; i < kInputs; ++i) {
      for (size_t j = 0; j < kInputs; ++j) {
        double sum = static_cast<double>(second[i]) * static_cast<double>(second[j]);
        for (size_t row = 0; row < 300; ++row) {
          sum += static_cast<double>(first[row * kInputs + i]) * static_cast<double>(first[row * kInputs + j]);
        }
        EXPECT_NEAR(found.sums.data()[i * kInputs + j], sum, 1e-4) << i << ", " << j;
      }
    }
  }
}

TEST_P(InputRecorderTest, PassesOverOtherLayersAndOtherPrecisions) {
  const Linear named = make_layer(table(), Precision::kF32);
  const Linear other = make_layer(table(), Precision::kF32);
  const Linear rounded = make_layer(table(), Precision::kInt8);
  InputRecorder recorder;
  recorder.add_layer("named", named.weight);
  recorder.add_layer("rounded", rounded.weight);
  const auto values = random_floats(size_t{5} * kInputs, 2);
  run(table(), other, values, 1, &recorder);
  run(table(), rounded, values, 1, &recorder);
  EXPECT_THAT(recorder.take_products(), testing::IsEmpty());
}

}  // namespace
}  // namespace vivace
