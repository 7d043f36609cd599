// Layers have the same bits however the work is split; int8 layers with outliers are near double precision.
#include "ops/linear.h"

#include <algorithm>
#include <vector>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

class LinearTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(LinearTest);

Linear make_layer(const KernelTable& kernels, Precision precision, int inputs, int outputs,
                  const std::vector<int32_t>& outliers) {
  auto weights = random_floats(static_cast<size_t>(inputs * outputs), 1);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (std::ranges::count(outliers, static_cast<int32_t>(i) % inputs) > 0) weights[i] *= 20;
  }
  Linear layer{PackedMatrix(inputs, outputs, panel_layout(kernels, precision), outliers),
               AlignedBuffer<float>(static_cast<size_t>(outputs))};
  layer.weight.pack_rows(weights.data(), outputs, 0);
  std::ranges::copy(random_floats(static_cast<size_t>(outputs), 2), layer.bias.data());
  return layer;
}

// tanh of the layer's outputs, added to 0.5 where they are stored.
std::vector<float> run(const KernelTable& kernels, const Linear& layer, MatrixView<const float> x, int threads) {
  ThreadPool pool(threads);
  std::vector<Arena> arenas(static_cast<size_t>(threads));
  std::vector<float> out(static_cast<size_t>(x.rows) * static_cast<size_t>(layer.weight.n()), 0.5F);
  const MatrixView<float> target{out.data(), x.rows, layer.weight.n(), layer.weight.n()};
  const MatrixView<const float> residual = target;
  linear({&kernels, &pool, arenas}, x, layer, {.activation = Activation::kTanh, .residual = &residual}, target);
  return out;
}

// 120 rows are so few that threads share panels, and so many that they also take a part of the rows each where there
// are fewer panels than threads.
TEST_P(LinearTest, PanelsAndPartsOfTheRowsDoNotChangeABit) {
  constexpr int kInputs = 70;
  const auto values = random_floats(120 * kInputs, 3);
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    for (const int outputs : {150, 384}) {
      const Linear layer = make_layer(table(), precision, kInputs, outputs, {});
      const auto alone = run(table(), layer, {values.data(), 120, kInputs, kInputs}, 1);
      for (const int threads : {2, 5, 8, 16}) {
        EXPECT_EQ(run(table(), layer, {values.data(), 120, kInputs, kInputs}, threads), alone) << threads << " threads";
      }
    }
  }
}

TEST_P(LinearTest, OutliersDoNotDependOnHowTheWorkIsSplit) {
  constexpr int kInputs = 70;
  constexpr int kOutputs = 150;  // of several panels, the last of them not whole
  constexpr int kRows = 400;     // so many that threads take rows; 20 are so few that they take panels
  const std::vector<int32_t> outliers = {0, 1, 33, 69};
  const Linear layer = make_layer(table(), Precision::kInt8, kInputs, kOutputs, outliers);
  auto values = random_floats(kRows * kInputs, 3);
  for (size_t i = 0; i < values.size(); i += 7) values[i] *= 0.1F;
  const MatrixView<const float> all{values.data(), kRows, kInputs, kInputs};
  const auto together = run(table(), layer, all, 1);
  EXPECT_EQ(run(table(), layer, all, 3), together);
  for (const int threads : {1, 2}) {
    const auto few = run(table(), layer, {values.data(), 20, kInputs, kInputs}, threads);
    EXPECT_TRUE(std::equal(few.begin(), few.end(), together.begin()));
    const auto last = run(table(), layer, {values.data() + (kRows - 1) * kInputs, 1, kInputs, kInputs}, threads);
    EXPECT_TRUE(std::equal(last.begin(), last.end(), together.end() - kOutputs));
  }
}

TEST_P(LinearTest, LargeInputsThatAreOutliersCostTheOthersNothing) {
  constexpr int kInputs = 96;
  constexpr int kOutputs = 40;
  constexpr int kRows = 9;
  const std::vector<int32_t> outliers = {5, 90};
  auto values = random_floats(kRows * kInputs, 3);
  for (size_t row = 0; row < kRows; ++row) {
    for (const int32_t input : outliers) values[row * kInputs + static_cast<size_t>(input)] *= 0.01F;
  }
  const auto largest_error = [&](const std::vector<int32_t>& aside) {
    auto weights = random_floats(kInputs * kOutputs, 1);
    for (size_t i = 0; i < weights.size(); ++i) {
      if (std::ranges::count(outliers, static_cast<int32_t>(i) % kInputs) > 0) weights[i] *= 100;
    }
    PackedMatrix packed(kInputs, kOutputs, panel_layout(table(), Precision::kInt8), aside);
    packed.pack_rows(weights.data(), kOutputs, 0);
    const Linear layer{std::move(packed), AlignedBuffer<float>()};
    ThreadPool pool(1);
    std::vector<Arena> arenas(1);
    std::vector<float> out(kRows * kOutputs);
    linear({&table(), &pool, arenas}, MatrixView<const float>{values.data(), kRows, kInputs, kInputs}, layer, {},
           {out.data(), kRows, kOutputs, kOutputs});
    double largest = 0;
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t output = 0; output < kOutputs; ++output) {
        double sum = 0;
        for (size_t i = 0; i < kInputs; ++i) {
          sum += static_cast<double>(values[row * kInputs + i]) * static_cast<double>(weights[output * kInputs + i]);
        }
        largest = std::max(largest, std::abs(sum - static_cast<double>(out[row * kOutputs + output])));
      }
    }
    return largest;
  };
  EXPECT_LT(largest_error(outliers), 0.1);
  EXPECT_GT(largest_error({}), 1);
}

}  // namespace
}  // namespace vivace
