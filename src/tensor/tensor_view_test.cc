#include "tensor/tensor_view.h"

#include <array>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(DType, SizesAndNames) {
  const std::pair<DType, size_t> kSizes[] = {{DType::kF32, 4}, {DType::kF16, 2}, {DType::kBF16, 2}, {DType::kI8, 1},
                                             {DType::kU8, 1},  {DType::kI32, 4}, {DType::kI64, 8}};
  for (const auto& [dtype, size] : kSizes) {
    EXPECT_EQ(dtype_size(dtype), size);
    EXPECT_NE(dtype_name(dtype), "?");
  }
  EXPECT_EQ(dtype_name(DType::kBF16), "BF16");
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape().rank(), 0u);
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape({0}).elements(), 0);
  EXPECT_EQ(Shape({2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape({3, 0, 5}).elements(), 0);
  EXPECT_EQ(Shape({1 << 20, 1 << 20, 1 << 10, 1 << 10}).elements(), int64_t{1} << 60);
}

TEST(Shape, ComparesExtentsAndRank) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  EXPECT_NE(Shape({2}), Shape({2, 0}));
  EXPECT_NE(Shape(), Shape({0}));
  const std::vector<int64_t> extents = {2, 3};
  EXPECT_EQ(Shape(std::span<const int64_t>(extents)), Shape({2, 3}));
  EXPECT_EQ(Shape({7, 9})[1], 9);
}

TEST(Shape, IsWrittenLikeAList) {
  EXPECT_EQ(Shape().to_string(), "[]");
  EXPECT_EQ(Shape({30522, 384}).to_string(), "[30522, 384]");
}

TEST(ShapeDeathTest, OurOwnMistakesStop) {
  EXPECT_DEATH(Shape({1, 1, 1, 1, 1}), "kMaxRank");
  EXPECT_DEATH(Shape({1})[1], "axis < m_rank");
}

TEST(TensorView, CountsBytes) {
  EXPECT_EQ((TensorView{nullptr, DType::kF16, Shape({3, 5})}).bytes(), 30u);
  EXPECT_EQ((TensorView{nullptr, DType::kI64, Shape()}).bytes(), 8u);
  EXPECT_EQ((TensorView{nullptr, DType::kF32, Shape({4, 0})}).bytes(), 0u);
}

class MatrixViewTest : public testing::Test {
 protected:
  void SetUp() override { std::iota(m_values.begin(), m_values.end(), 0.0f); }
  std::array<float, 24> m_values{};
  // 4 rows of 5 columns, of rows of 6 values.
  MatrixView<float> m_view{m_values.data(), 4, 5, 6};
};

TEST_F(MatrixViewTest, RowsAreAStrideApart) {
  EXPECT_EQ(m_view.row(0)[4], 4.0f);
  EXPECT_EQ(m_view.row(3)[0], 18.0f);
  m_view.row(2)[1] = -1;
  EXPECT_EQ(m_values[13], -1.0f);
}

TEST_F(MatrixViewTest, SlicesShareTheMemory) {
  const MatrixView<float> rows = m_view.slice_rows(1, 3);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.columns, 5);
  EXPECT_EQ(rows.row(1)[0], 12.0f);
  const MatrixView<float> columns = rows.slice_columns(2, 5);
  EXPECT_EQ(columns.rows, 2);
  EXPECT_EQ(columns.columns, 3);
  EXPECT_EQ(columns.row(1)[2], 16.0f);
  EXPECT_EQ(m_view.slice_rows(4, 4).rows, 0);
  EXPECT_EQ(m_view.slice_columns(0, 0).columns, 0);
}

TEST_F(MatrixViewTest, BecomesReadOnly) {
  const MatrixView<const float> reader = m_view;
  EXPECT_EQ(reader.row(1)[1], 7.0f);
  EXPECT_EQ(reader.stride, 6);
}

using MatrixViewDeathTest = MatrixViewTest;
TEST_F(MatrixViewDeathTest, SlicesStayInside) {
  EXPECT_DEATH(m_view.slice_rows(-1, 2), "0 <= begin");
  EXPECT_DEATH(m_view.slice_rows(2, 5), "end <= rows");
  EXPECT_DEATH(m_view.slice_columns(3, 2), "begin <= end");
  EXPECT_DEATH(m_view.slice_columns(0, 6), "end <= columns");
}

}  // namespace
}  // namespace vivace
