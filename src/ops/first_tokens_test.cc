// Layers of which only the first tokens are wanted give those the same bits as whole ones do.
#include "ops/first_tokens.h"

#include <algorithm>
#include <vector>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

class FirstTokensTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(FirstTokensTest);

constexpr int kInputs = 70;
constexpr Precision kPrecisions[] = {Precision::kF32, Precision::kBf16, Precision::kInt8};

Linear make_layer(const KernelTable& kernels, Precision precision, int outputs) {
  const std::vector<int32_t> outliers =
      precision == Precision::kInt8 ? std::vector<int32_t>{3, 60} : std::vector<int32_t>{};
  Linear layer{PackedMatrix(kInputs, outputs, panel_layout(kernels, precision), outliers),
               AlignedBuffer<float>(static_cast<size_t>(outputs))};
  layer.weight.pack_rows(random_floats(static_cast<size_t>(kInputs * outputs), 1).data(), outputs, 0);
  std::ranges::copy(random_floats(static_cast<size_t>(outputs), 2), layer.bias.data());
  return layer;
}

struct Matrix {
  Matrix(int rows, int columns, float value = 0)
      : values(static_cast<size_t>(rows * columns), value), view{values.data(), rows, columns, columns} {}
  std::vector<float> values;
  MatrixView<float> view;
};

TEST_P(FirstTokensTest, KeysAndValuesOfAllAndQueriesOfTheFirst) {
  const std::vector<int32_t> offsets = {0, 1, 8, 20, 25};
  Matrix x(25, kInputs);
  x.values = random_floats(x.values.size(), 3);
  x.view.data = x.values.data();
  for (const Precision precision : kPrecisions) {
    for (const int width : {40, 64, 128}) {  // 40: queries share panels with keys
      const Linear layer = make_layer(table(), precision, 3 * width);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        std::vector<Arena> arenas(static_cast<size_t>(threads));
        const ExecutionContext context{&table(), &pool, arenas};
        Matrix whole(25, 3 * width);
        Matrix part(25, 3 * width, 7.0F);
        linear(context, x.view, layer, {}, whole.view);
        project_for_first_tokens(context, {.x = x.view}, layer, offsets, part.view);
        for (int row = 0; row < 25; ++row) {
          const int begin = std::ranges::count(offsets, row) > 0 ? 0 : width;
          EXPECT_TRUE(
              std::equal(part.view.row(row) + begin, part.view.row(row) + 3 * width, whole.view.row(row) + begin))
              << precision_name(precision) << ", width " << width << ", row " << row;
        }
      }
    }
  }
}

TEST_P(FirstTokensTest, PartOfALayersOutputs) {
  constexpr int kOutputs = 150;
  Matrix x(300, kInputs);
  x.values = random_floats(x.values.size(), 3);
  x.view.data = x.values.data();
  for (const Precision precision : kPrecisions) {
    const Linear layer = make_layer(table(), precision, kOutputs);
    const int width = layer.weight.panel_width();
    for (const int rows : {1, 9, 300}) {  // so few that threads share the outputs, and so many that they do not
      ThreadPool pool(2);
      std::vector<Arena> arenas(2);
      const ExecutionContext context{&table(), &pool, arenas};
      Matrix whole(rows, kOutputs, 1.0F);
      linear(context, x.view.slice_rows(0, rows), layer, {}, whole.view);
      for (int first = 0; first < kOutputs; first += width) {
        for (const int count : {width, kOutputs - first}) {
          if (first + count > kOutputs) continue;
          Matrix part(rows, count);
          const MatrixView<const float> residual = whole.view.slice_columns(first, first + count);
          linear(context, x.view.slice_rows(0, rows), layer, {.residual = &residual, .first_output = first}, part.view);
          for (int row = 0; row < rows; ++row) {
            for (int j = 0; j < count; ++j) ASSERT_EQ(part.view.row(row)[j], 2 * residual.row(row)[j]);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vivace
