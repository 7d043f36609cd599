// Products of bf16 and int8 on every table: against double precision, and whole numbers against each other.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/table_test_base.h"
#include "tensor/bfloat16.h"
#include "tensor/packed_matrix.h"

namespace vivace {
namespace {

class LowPrecisionTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(LowPrecisionTest);

constexpr float kUntouched = 12345.0F;
constexpr DType kTypes[] = {DType::kBF16, DType::kI8, DType::kI4};
constexpr DType kWholeTypes[] = {DType::kI8, DType::kI4};

struct Case {
  int m = 1;
  int n = 1;
  int k = 1;
  int misalignment = 0;  // floats by which x and c miss a cache line
  Activation activation = Activation::kNone;
  bool with_bias = true;
  bool residual_in_place = false;
  int outliers = 0;
};

// That many of k inputs: the first, the last and what lies evenly between them.
std::vector<int32_t> outlier_places(int count, int k) {
  std::vector<int32_t> places;
  for (int i = 0; i < count; ++i) places.push_back(count == 1 ? k - 1 : i * (k - 1) / (count - 1));
  return places;
}

bool is_outlier(const PackedMatrix& weights, int input) {
  return std::ranges::binary_search(weights.outliers(), input);
}

const LowPrecisionKernels& kernels_of(const KernelTable& table, DType dtype) {
  if (dtype == DType::kI4) return table.int4;
  return dtype == DType::kBF16 ? table.bf16 : table.int8;
}

PackedMatrix pack(const KernelTable& table, DType dtype, const std::vector<float>& weights, int n, int k,
                  const std::vector<int32_t>& outliers = {}) {
  PackedMatrix packed(k, n, {dtype, table.f32_panel_width, kernels_of(table, dtype).depth}, outliers);
  packed.pack_rows(weights.data(), n, 0);
  return packed;
}

// Prepared rows, and their scales.
struct Prepared {
  Prepared(const LowPrecisionKernels& kernels, const float* x, int rows, int k, ptrdiff_t ldx,
           std::span<const int32_t> places = {})
      : ld((k + kPreparedPadding - 1) / kPreparedPadding * kPreparedPadding),
        values(static_cast<size_t>(rows * kernels.activation_bytes) * static_cast<size_t>(ld)),
        scales(static_cast<size_t>(rows)),
        zeros(static_cast<size_t>(rows)),
        outliers(static_cast<size_t>(rows) * places.size()) {
    std::memset(values.data(), 0x5A, values.bytes());  // what is not written must not matter
    kernels.prepare({.x = x,
                     .ldx = ldx,
                     .out = values.data(),
                     .ldo = ld,
                     .scales = scales.data(),
                     .zeros = zeros.data(),
                     .rows = rows,
                     .k = k,
                     .outliers = places.data(),
                     .outlier_values = outliers.data(),
                     .outlier_count = static_cast<int>(places.size())});
  }
  ptrdiff_t ld;
  AlignedBuffer<std::byte> values;
  std::vector<float> scales;
  std::vector<int32_t> zeros;
  std::vector<float> outliers;
};

void multiply(const LowPrecisionKernels& kernels, const Prepared& x, const PackedMatrix& weights, GemmLowArgs args) {
  args.a = x.values.data();
  args.lda = x.ld;
  args.row_scales = x.scales.data();
  args.row_zeros = x.zeros.data();
  args.b = weights.panel_data(0);
  args.column_scales = weights.scales();
  args.column_offsets = weights.offsets();
  args.outlier_values = x.outliers.data();
  args.outlier_weights = weights.outlier_weights();
  args.ldo = static_cast<ptrdiff_t>(weights.panels()) * weights.panel_width();
  args.outlier_count = static_cast<int>(weights.outliers().size());
  args.n = weights.n();
  args.k = weights.k();
  kernels.gemm(args);
}

// The value that a product sees of x, which stands in a row of that range.
double seen(DType dtype, float x, float lowest, float highest) {
  if (dtype == DType::kBF16) return static_cast<double>(from_bf16(to_bf16(x)));
  if (highest == lowest) return 0;
  const float inverse = 255.0F / (highest - lowest);
  const float most = 255.0F - std::nearbyint(-lowest * inverse);
  return static_cast<double>(std::min(std::nearbyint(x * inverse), most) * ((highest - lowest) / 255.0F));
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kGelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
    case Activation::kGeluTanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kNone: break;
  }
  return x;
}

void check(const KernelTable& table, DType dtype, const Case& c) {
  SCOPED_TRACE(testing::Message() << dtype_name(dtype) << " " << c.m << "x" << c.k << "x" << c.n);
  const LowPrecisionKernels& kernels = kernels_of(table, dtype);
  const int ldx = c.k + 3;
  const int ldc = c.n + 5;
  const auto size = [](int rows, int stride) { return static_cast<size_t>(rows) * static_cast<size_t>(stride); };
  auto x = random_floats(size(c.m, ldx) + 16, 1);
  const auto weights = random_floats(size(c.n, c.k), 2);
  const auto bias = random_floats(static_cast<size_t>(c.n), 3);
  const auto residual = random_floats(size(c.m, ldc), 4);
  std::vector<float> out(size(c.m, ldc) + 16, kUntouched);
  if (c.residual_in_place) std::copy(residual.begin(), residual.end(), out.begin() + c.misalignment);
  const PackedMatrix packed = pack(table, dtype, weights, c.n, c.k, outlier_places(c.outliers, c.k));
  for (int row = 0; row < c.m; ++row) {
    // So large that they would be noticed in the others' scale.
    for (const int32_t place : packed.outliers()) x[size(row, ldx) + static_cast<size_t>(place + c.misalignment)] *= 30;
  }
  const float* rows = x.data() + c.misalignment;
  GemmLowArgs args;
  args.c = out.data() + c.misalignment;
  args.ldc = ldc;
  args.bias = c.with_bias ? bias.data() : nullptr;
  args.residual = c.residual_in_place ? args.c : nullptr;
  args.ldr = ldc;
  args.m = c.m;
  args.activation = c.activation;
  multiply(kernels, Prepared(kernels, rows, c.m, c.k, ldx, packed.outliers()), packed, args);

  std::vector<float> column(static_cast<size_t>(c.k));
  for (int j = 0; j < c.n; ++j) {
    packed.unpack_row(j, column.data());
    for (int row = 0; row < c.m; ++row) {
      const float* values = rows + row * ldx;
      float lowest = 0;
      float highest = 0;
      for (int i = 0; i < c.k; ++i) {
        if (is_outlier(packed, i)) continue;
        lowest = std::min(lowest, values[i]);
        highest = std::max(highest, values[i]);
      }
      double sum = c.with_bias ? static_cast<double>(bias[static_cast<size_t>(j)]) : 0.0;
      for (int i = 0; i < c.k; ++i) {
        const double value =
            is_outlier(packed, i) ? static_cast<double>(values[i]) : seen(dtype, values[i], lowest, highest);
        sum += value * static_cast<double>(column[static_cast<size_t>(i)]);
      }
      sum = activated(c.activation, sum);
      if (c.residual_in_place) sum += static_cast<double>(residual[size(row, ldc) + static_cast<size_t>(j)]);
      const double tolerance = 4e-6 * (1 + std::sqrt(c.k)) * (c.outliers > 0 ? 10 : 1);
      ASSERT_NEAR(args.c[row * ldc + j], sum, tolerance) << "row " << row << " column " << j;
    }
  }
  for (int row = 0; row < c.m && !c.residual_in_place; ++row) {
    for (int j = c.n; j < ldc; ++j) ASSERT_EQ(args.c[row * ldc + j], kUntouched) << "wrote past the row's end";
  }
}

TEST_P(LowPrecisionTest, AllSmallShapes) {
  for (const DType dtype : kTypes) {
    for (int m = 1; m <= 13; m += m < 3 ? 1 : 5) {
      for (int n = 1; n <= 2 * 16 + 1; ++n) {
        for (int k = 1; k <= 9; ++k) check(table(), dtype, {.m = m, .n = n, .k = k, .misalignment = (m + n + k) % 16});
      }
    }
  }
}

TEST_P(LowPrecisionTest, AllSmallDepths) {
  for (const DType dtype : kTypes) {
    for (int k = 1; k <= 2 * 64 + 1; ++k) check(table(), dtype, {.m = 7, .n = 17, .k = k, .misalignment = k % 16});
  }
}

TEST_P(LowPrecisionTest, PanelEdges) {
  for (const DType dtype : kTypes) {
    for (const int n : {47, 48, 49, 63, 64, 65, 127, 128, 129, 200}) {
      for (const int m : {1, 5, 6, 7, 16, 25}) check(table(), dtype, {.m = m, .n = n, .k = 33, .misalignment = 1});
    }
  }
}

TEST_P(LowPrecisionTest, Epilogues) {
  for (const DType dtype : kTypes) {
    for (const int n : {1, 17, 64, 130}) {
      for (const Activation activation : {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu,
                                          Activation::kSilu, Activation::kTanh, Activation::kNone}) {
        check(table(), dtype, {.m = 7, .n = n, .k = 40, .activation = activation, .residual_in_place = true});
      }
      check(table(), dtype, {.m = 7, .n = n, .k = 40, .with_bias = false});
    }
  }
}

TEST_P(LowPrecisionTest, RealShapes) {
  for (const DType dtype : kTypes) {
    check(table(), dtype, {.m = 31, .n = 192, .k = 1536, .activation = Activation::kGelu});
    check(table(), dtype, {.m = 19, .n = 576, .k = 384});
    check(table(), dtype, {.m = 350, .n = 33, .k = 1601, .residual_in_place = true});
  }
}

void check_outliers(const KernelTable& table, DType dtype) {
  for (const int k : {1, 2, 7, 16, 17, 33, 64, 100}) {
    for (const int outliers : {1, 2, 8, 17}) {
      if (outliers > k) continue;
      for (const int n : {1, 15, 16, 17, 70}) {
        for (const int m : {1, 6, 13}) {
          check(table, dtype, {.m = m, .n = n, .k = k, .misalignment = (m + k) % 16, .outliers = outliers});
        }
      }
      check(
          table, dtype,
          {.m = 7, .n = 33, .k = k, .activation = Activation::kGelu, .residual_in_place = true, .outliers = outliers});
    }
  }
  check(table, dtype, {.m = 19, .n = 576, .k = 384, .with_bias = false, .outliers = 8});
}

TEST_P(LowPrecisionTest, OutliersAreMultipliedInFp32) {
  for (const DType dtype : kWholeTypes) check_outliers(table(), dtype);
}

// The largest magnitudes that there are: no table may saturate, and each must give the exact whole number.
TEST_P(LowPrecisionTest, Int8SumsAreExact) {
  constexpr int kRows = 7;
  constexpr int kColumns = 70;
  for (const int k : {2, 4, 63, 1000, 1601}) {
    std::vector<float> x(static_cast<size_t>(kRows * k));
    std::vector<float> weights(static_cast<size_t>(kColumns * k));
    std::mt19937 random(static_cast<unsigned>(k));
    for (float& value : x) value = random() % 3 == 0 ? 127.0F : static_cast<float>(random() % 255) - 127.0F;
    for (float& value : weights) value = random() % 3 == 0 ? -127.0F : static_cast<float>(random() % 255) - 127.0F;
    for (int row = 0; row < kRows; ++row) x[static_cast<size_t>(row * k)] = 128.0F;  // with -127: all scales are 1
    for (int row = 0; row < kRows; ++row) x[static_cast<size_t>(row * k + 1)] = -127.0F;
    for (int j = 0; j < kColumns; ++j) weights[static_cast<size_t>(j * k)] = j % 2 == 0 ? 127.0F : -127.0F;
    const PackedMatrix packed = pack(table(), DType::kI8, weights, kColumns, k);
    std::vector<float> out(kRows * kColumns);
    GemmLowArgs args;
    args.c = out.data();
    args.ldc = kColumns;
    args.m = kRows;
    multiply(table().int8, Prepared(table().int8, x.data(), kRows, k, k), packed, args);
    for (int row = 0; row < kRows; ++row) {
      for (int j = 0; j < kColumns; ++j) {
        int64_t sum = 0;
        for (int i = 0; i < k; ++i) {
          sum += static_cast<int64_t>(x[static_cast<size_t>(row * k + i)]) *
                 static_cast<int64_t>(weights[static_cast<size_t>(j * k + i)]);
        }
        ASSERT_EQ(out[static_cast<size_t>(row * kColumns + j)], static_cast<float>(sum)) << k << " " << row << " " << j;
      }
    }
  }
}

TEST_P(LowPrecisionTest, RowsWithoutAScaleAreZeros) {
  for (const float value : {0.0F, 1e-38F, -1e-42F}) {
    const std::vector<float> x(40, value);
    const PackedMatrix packed = pack(table(), DType::kI8, random_floats(40 * 3, 2), 3, 40);
    float out[3] = {kUntouched, kUntouched, kUntouched};
    GemmLowArgs args;
    args.c = out;
    args.ldc = 3;
    args.m = 1;
    multiply(table().int8, Prepared(table().int8, x.data(), 1, 40, 40), packed, args);
    for (const float result : out) EXPECT_EQ(result, 0.0F);
  }
}

TEST_P(LowPrecisionTest, NormAndPrepareInOnePassGiveTheSameBits) {
  constexpr int kRows = 4;
  for (const DType dtype : kTypes) {
    const LowPrecisionKernels& kernels = kernels_of(table(), dtype);
    for (int n = 1; n <= 130; n += n < 40 ? 1 : 9) {
      for (const int outliers : {0, 1, 3, 8}) {
        if (outliers > n || (outliers > 0 && dtype == DType::kBF16)) continue;
        SCOPED_TRACE(testing::Message() << dtype_name(dtype) << ", " << n << " values, " << outliers << " outliers");
        const auto size = static_cast<size_t>(n);
        auto x = random_floats(size * kRows, 1);
        for (int i = 0; i < n; ++i) x[static_cast<size_t>(i)] = 0.25F;  // a row without spread
        const auto gamma = random_floats(size, 2);
        const auto beta = random_floats(size, 3);
        const std::vector<int32_t> places = outlier_places(outliers, n);
        std::vector<float> normal(size * kRows);
        LayerNormF32Args norm{.x = x.data(),
                              .ldx = n,
                              .out = normal.data(),
                              .ldo = n,
                              .gamma = gamma.data(),
                              .beta = beta.data(),
                              .epsilon = 1e-5F,
                              .rows = kRows,
                              .n = n};
        table().layer_norm_f32(norm);
        const Prepared expected(kernels, normal.data(), kRows, n, n, places);
        Prepared got(kernels, random_floats(size * kRows, 9).data(), kRows, n, n, places);  // to be overwritten
        norm.out = x.data();
        kernels.layer_norm(norm, {.x = x.data(),
                                  .ldx = n,
                                  .out = got.values.data(),
                                  .ldo = got.ld,
                                  .scales = got.scales.data(),
                                  .zeros = got.zeros.data(),
                                  .rows = kRows,
                                  .k = n,
                                  .outliers = places.data(),
                                  .outlier_values = got.outliers.data(),
                                  .outlier_count = outliers});
        EXPECT_EQ(x, normal);
        EXPECT_EQ(std::memcmp(got.values.data(), expected.values.data(), expected.values.bytes()), 0);
        EXPECT_EQ(got.outliers, expected.outliers);
        if (dtype == DType::kBF16) continue;
        EXPECT_EQ(got.scales, expected.scales);
        EXPECT_EQ(got.zeros, expected.zeros);
      }
    }
  }
}

// The largest sums that there are: all weights -8 times the largest factor, all activations 255 steps of one sign, and
// groups that cancel each other out. 32 bits hold them, and each table gives the exact whole number.
TEST_P(LowPrecisionTest, Int4SumsAreExact) {
  constexpr int kColumns = 70;
  for (const int k : {31, 64, 1000, kMaxFourBitDepth}) {
    std::vector<float> x(static_cast<size_t>(3 * k), 255.0F);
    std::fill_n(x.begin() + k, k, -255.0F);
    std::mt19937 random(static_cast<unsigned>(k));
    for (int i = 0; i < k; ++i) x[static_cast<size_t>(2 * k + i)] = static_cast<float>(random() % 256) - 100.0F;
    x[static_cast<size_t>(2 * k)] = -100.0F;
    x[static_cast<size_t>(2 * k + 1)] = 155.0F;  // 255 steps: all scales are 1
    std::vector<float> weights(static_cast<size_t>(kColumns * k));
    for (int j = 0; j < kColumns; ++j) {
      for (int i = 0; i < k; ++i) {
        const int factor = j < 2 ? 127 : 1 + i / 32 * 5 % 127;
        const int q = j < 2 ? (j == 0 ? -8 : 8) : static_cast<int>(random() % 16) - 8;
        weights[static_cast<size_t>(j * k + i)] = static_cast<float>(factor * q);
      }
      weights[static_cast<size_t>(j * k)] = j % 2 == 0 ? -1016.0F : 1016.0F;  // so that the scale is 1
    }
    const PackedMatrix packed = pack(table(), DType::kI4, weights, kColumns, k);
    std::vector<float> out(3 * kColumns);
    GemmLowArgs args;
    args.c = out.data();
    args.ldc = kColumns;
    args.m = 3;
    multiply(table().int4, Prepared(table().int4, x.data(), 3, k, k), packed, args);
    std::vector<float> column(static_cast<size_t>(k));
    for (int j = 0; j < kColumns; ++j) {
      packed.unpack_row(j, column.data());
      for (int row = 0; row < 3; ++row) {
        int64_t sum = 0;
        for (int i = 0; i < k; ++i) {
          sum += static_cast<int64_t>(x[static_cast<size_t>(row * k + i)]) *
                 static_cast<int64_t>(column[static_cast<size_t>(i)]);
        }
        ASSERT_EQ(out[static_cast<size_t>(row * kColumns + j)], static_cast<float>(sum)) << k << " " << row << " " << j;
      }
    }
  }
}

// What one row gives must not depend on the rows beside it.
TEST_P(LowPrecisionTest, RowsAreIndependentBitForBit) {
  constexpr int kRows = 150;
  constexpr int kColumns = 130;
  for (const auto& [dtype, k] : {std::pair{DType::kBF16, 77},
                                 {DType::kI8, 77},
                                 {DType::kI4, 77},
                                 {DType::kBF16, 1601},
                                 {DType::kI8, 1601},
                                 {DType::kI4, 1601}}) {
    const auto x = random_floats(static_cast<size_t>(kRows * k), 5);
    const LowPrecisionKernels& kernels = kernels_of(table(), dtype);
    const std::vector<int32_t> outliers = outlier_places(dtype == DType::kBF16 ? 0 : 5, k);
    const PackedMatrix packed =
        pack(table(), dtype, random_floats(static_cast<size_t>(kColumns * k), 6), kColumns, k, outliers);
    const auto run = [&, k = k](int first, int rows) {
      std::vector<float> out(static_cast<size_t>(rows) * kColumns);
      GemmLowArgs args;
      args.c = out.data();
      args.ldc = kColumns;
      args.m = rows;
      args.activation = Activation::kGelu;
      multiply(kernels, Prepared(kernels, x.data() + first * k, rows, k, k, outliers), packed, args);
      return out;
    };
    const auto together = run(0, kRows);
    for (int rows = 1; rows <= 13; ++rows) {
      const auto part = run(kRows - rows, rows);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), together.end() - static_cast<ptrdiff_t>(part.size())));
    }
  }
}

}  // namespace
}  // namespace vivace
