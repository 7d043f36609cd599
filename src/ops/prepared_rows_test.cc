// Rows that are prepared on the way out of a product or a norm are those that are prepared afterwards.
#include "ops/prepared_rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/table_test_base.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"

namespace vivace {
namespace {

class PreparedRowsTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(PreparedRowsTest);

constexpr Precision kPrecisions[] = {Precision::kF32, Precision::kBf16, Precision::kInt8};

Linear make_layer(const KernelTable& kernels, Precision precision, int inputs, int outputs) {
  const std::vector<int32_t> outliers =
      precision == Precision::kInt8 ? std::vector<int32_t>{0, 5, 6, inputs - 1} : std::vector<int32_t>{};
  Linear layer{PackedMatrix(inputs, outputs, panel_layout(kernels, precision), outliers),
               AlignedBuffer<float>(static_cast<size_t>(outputs))};
  layer.weight.pack_rows(random_floats(static_cast<size_t>(inputs * outputs), 1).data(), outputs, 0);
  std::ranges::copy(random_floats(static_cast<size_t>(outputs), 2), layer.bias.data());
  return layer;
}

LayerNorm make_norm(int n) {
  LayerNorm norm{AlignedBuffer<float>(static_cast<size_t>(n)), AlignedBuffer<float>(static_cast<size_t>(n)), 1e-5F};
  std::ranges::copy(random_floats(static_cast<size_t>(n), 4), norm.gamma.data());
  std::ranges::copy(random_floats(static_cast<size_t>(n), 5), norm.beta.data());
  return norm;
}

void expect_same(const KernelTable& kernels, const PackedMatrix& weight, const PreparedRows& a, const PreparedRows& b) {
  const auto value_bytes = static_cast<size_t>(low_precision_kernels(kernels, weight.dtype()).activation_bytes);
  const size_t outliers = weight.outliers().size();
  for (int row = 0; row < a.rows; ++row) {
    SCOPED_TRACE(testing::Message() << dtype_name(weight.dtype()) << ", row " << row);
    const auto at = static_cast<size_t>(row);
    const auto data = [&](const PreparedRows& rows) {
      return rows.data + at * static_cast<size_t>(rows.stride) * value_bytes;
    };
    ASSERT_EQ(std::memcmp(data(a), data(b), static_cast<size_t>(weight.k()) * value_bytes), 0);
    if (weight.dtype() != DType::kI8) continue;
    ASSERT_EQ(a.scales[row], b.scales[row]);
    ASSERT_EQ(a.zeros[row], b.zeros[row]);
    ASSERT_TRUE(std::equal(a.outliers + at * outliers, a.outliers + (at + 1) * outliers, b.outliers + at * outliers));
  }
}

struct Threads {
  explicit Threads(const KernelTable& kernels, int count)
      : pool(count), arenas(static_cast<size_t>(count)), context{&kernels, &pool, arenas} {}
  ThreadPool pool;
  std::vector<Arena> arenas;
  ExecutionContext context;
};

TEST_P(PreparedRowsTest, BehindAProductWithActivation) {
  constexpr int kInputs = 40;
  constexpr int kInner = 210;
  constexpr int kRows = 400;
  auto values = random_floats(kRows * kInputs, 3);
  for (size_t i = 0; i < values.size(); i += 7) values[i] *= 9;
  for (const Precision precision : kPrecisions) {
    const Linear layer = make_layer(table(), precision, kInputs, kInner);
    for (const Precision next_precision : {Precision::kBf16, Precision::kInt8}) {
      const Linear next = make_layer(table(), next_precision, kInner, 30);
      // So few rows that threads share the outputs, and so many that they do not.
      for (const int rows : {1, 9, 100, kRows}) {
        for (const int thread_count : {1, 3}) {
          Threads threads(table(), thread_count);
          const MatrixView<const float> x{values.data(), rows, kInputs, kInputs};
          const LinearInput fused = linear_for(threads.context, {.x = x}, layer, Activation::kGelu, next);
          const MatrixView<float> whole = threads.arenas[0].matrix(rows, kInner);
          linear(threads.context, x, layer, {.activation = Activation::kGelu}, whole);
          expect_same(table(), next.weight, fused.prepared, prepare_rows(threads.context, whole, next.weight));
          const MatrixView<float> out = threads.arenas[0].matrix(rows, 30);
          const MatrixView<float> expected = threads.arenas[0].matrix(rows, 30);
          linear(threads.context, fused, next, {}, out);
          linear(threads.context, whole, next, {}, expected);
          EXPECT_TRUE(std::equal(out.data, out.data + rows * 30, expected.data)) << rows << " rows";
        }
      }
    }
    const Linear exact = make_layer(table(), Precision::kF32, kInner, 30);
    Threads threads(table(), 1);
    const MatrixView<const float> x{values.data(), 9, kInputs, kInputs};
    const LinearInput plain = linear_for(threads.context, {.x = x}, layer, Activation::kGelu, exact);
    const MatrixView<float> whole = threads.arenas[0].matrix(9, kInner);
    linear(threads.context, x, layer, {.activation = Activation::kGelu}, whole);
    EXPECT_TRUE(std::equal(whole.data, whole.data + 9 * kInner, plain.x.data));
    EXPECT_EQ(plain.prepared.data, nullptr);
  }
}

TEST_P(PreparedRowsTest, BehindANorm) {
  for (const int width : {8, 11, 16, 33, 64, 100}) {
    const LayerNorm norm = make_norm(width);
    for (const Precision precision : kPrecisions) {
      const Linear next = make_layer(table(), precision, width, 20);
      for (const int rows : {1, 5, 250}) {
        for (const int thread_count : {1, 3}) {
          SCOPED_TRACE(testing::Message() << width << " wide, " << rows << " rows, " << thread_count << " threads");
          Threads threads(table(), thread_count);
          auto values = random_floats(static_cast<size_t>(rows * width), 3);
          std::fill_n(values.begin(), width, 0.5F);  // a row that has no spread
          const MatrixView<float> x{values.data(), rows, width, width};
          const MatrixView<float> expected = threads.arenas[0].matrix(rows, width);
          layer_norm(threads.context, x, norm, expected);
          const PreparedRows memory = prepared_memory(threads.arenas[0], table(), rows, width);
          const LinearInput fused = layer_norm_for(threads.context, x, norm, next, memory);
          EXPECT_EQ(fused.x.data, values.data());
          EXPECT_TRUE(std::equal(values.begin(), values.end(), expected.data));
          if (precision == Precision::kF32) {
            EXPECT_EQ(fused.prepared.data, nullptr);
          } else {
            expect_same(table(), next.weight, fused.prepared, prepare_rows(threads.context, expected, next.weight));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vivace
