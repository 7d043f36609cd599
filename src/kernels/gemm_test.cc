// Matrix products of every table against double precision.
#include <cmath>
#include <cstdlib>
#include <memory>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

class GemmTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(GemmTest);

struct FreeAligned {
  void operator()(float* p) const { std::free(p); }
};

// Weights [n][k] in the panels that the table wants.
std::unique_ptr<float, FreeAligned> pack(const KernelTable& table, const std::vector<float>& weights, int n, int k) {
  const int width = table.f32_panel_width;
  const auto floats = static_cast<size_t>((n + width - 1) / width * width) * static_cast<size_t>(k);
  std::unique_ptr<float, FreeAligned> packed(
      static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 127) / 64 * 64)));
  std::fill_n(packed.get(), floats, 0.0F);
  for (int column = 0; column < n; ++column) {
    for (int i = 0; i < k; ++i) {
      packed.get()[(column / width) * width * k + i * width + column % width] =
          weights[static_cast<size_t>(column) * static_cast<size_t>(k) + static_cast<size_t>(i)];
    }
  }
  return packed;
}

double gelu(double x) {
  return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return gelu(x);
    case Activation::kGeluTanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return x;
}

constexpr Activation kActivations[] = {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu, Activation::kSilu,
                                       Activation::kTanh};

struct Case {
  int m = 1;
  int n = 1;
  int k = 1;
  int misalignment = 0;  // floats by which a and c miss a cache line
  Activation activation = Activation::kNone;
  bool with_bias = true;
  bool residual_in_place = false;
};

constexpr float kUntouched = 12345.0F;

void check_gemm(const KernelTable& table, const Case& c) {
  SCOPED_TRACE(testing::Message() << c.m << "x" << c.k << "x" << c.n << " misaligned by " << c.misalignment);
  const int lda = c.k + 3;
  const int ldc = c.n + 5;
  const auto size = [](int rows, int stride) { return static_cast<size_t>(rows) * static_cast<size_t>(stride); };
  const auto a = random_floats(size(c.m, lda) + 16, 1);
  const auto weights = random_floats(size(c.n, c.k), 2);
  const auto bias = random_floats(static_cast<size_t>(c.n), 3);
  const auto residual = random_floats(size(c.m, ldc), 4);
  std::vector<float> out(size(c.m, ldc) + 16, kUntouched);
  if (c.residual_in_place) std::copy(residual.begin(), residual.end(), out.begin() + c.misalignment);
  const auto packed = pack(table, weights, c.n, c.k);
  GemmF32Args args;
  args.a = a.data() + c.misalignment;
  args.lda = lda;
  args.b = packed.get();
  args.c = out.data() + c.misalignment;
  args.ldc = ldc;
  args.bias = c.with_bias ? bias.data() : nullptr;
  args.residual = c.residual_in_place ? args.c : nullptr;
  args.ldr = ldc;
  args.m = c.m;
  args.n = c.n;
  args.k = c.k;
  args.activation = c.activation;
  table.gemm_f32(args);
  for (int row = 0; row < c.m; ++row) {
    for (int column = 0; column < c.n; ++column) {
      double sum = c.with_bias ? bias[static_cast<size_t>(column)] : 0.0;
      for (int i = 0; i < c.k; ++i) {
        sum += static_cast<double>(args.a[row * lda + i]) *
               static_cast<double>(weights[size(column, c.k) + static_cast<size_t>(i)]);
      }
      sum = activated(c.activation, sum);
      if (c.residual_in_place) sum += static_cast<double>(residual[size(row, ldc) + static_cast<size_t>(column)]);
      ASSERT_NEAR(args.c[row * ldc + column], sum, 2e-6 * (1 + std::sqrt(c.k)))
          << "row " << row << " column " << column;
    }
    for (int column = c.n; column < ldc && !c.residual_in_place; ++column) {
      ASSERT_EQ(args.c[row * ldc + column], kUntouched) << "wrote past the row's end";
    }
  }
}

TEST_P(GemmTest, AllSmallShapes) {
  for (int m = 1; m <= 13; ++m) {
    for (int n = 1; n <= 2 * 16 + 1; ++n) {
      for (int k = 1; k <= 5; ++k) check_gemm(table(), {.m = m, .n = n, .k = k, .misalignment = (m + n + k) % 16});
    }
  }
}

TEST_P(GemmTest, PanelEdges) {
  for (const int n : {47, 48, 49, 63, 64, 65, 127, 128, 129, 200}) {
    for (const int m : {1, 5, 6, 7, 16, 24, 25}) {
      check_gemm(table(), {.m = m, .n = n, .k = 33, .misalignment = 1});
    }
  }
}

TEST_P(GemmTest, Epilogues) {
  for (const int n : {1, 16, 17, 64, 70, 130}) {
    for (const Activation activation : kActivations) {
      check_gemm(table(), {.m = 7, .n = n, .k = 40, .activation = activation, .residual_in_place = true});
    }
    check_gemm(table(), {.m = 7, .n = n, .k = 40, .residual_in_place = true});
    check_gemm(table(), {.m = 7, .n = n, .k = 40, .with_bias = false});
  }
}

TEST_P(GemmTest, RealShapes) {
  check_gemm(table(), {.m = 131, .n = 384, .k = 1536, .activation = Activation::kGelu});
  check_gemm(table(), {.m = 300, .n = 128, .k = 384});
  check_gemm(table(), {.m = 19, .n = 1152, .k = 384});
  check_gemm(table(), {.m = 350, .n = 33, .k = 1601, .activation = Activation::kGelu, .residual_in_place = true});
  check_gemm(table(), {.m = 13, .n = 70, .k = 3072, .residual_in_place = true});
}

// What one row gives must not depend on the rows beside it, nor on how the columns are shared out.
TEST_P(GemmTest, RowsAreIndependentBitForBit) {
  constexpr int kRows = 29;
  constexpr int kColumns = 130;
  for (const int k : {77, 1601}) {
    const auto a = random_floats(static_cast<size_t>(kRows * k), 5);
    const auto packed = pack(table(), random_floats(static_cast<size_t>(kColumns * k), 6), kColumns, k);
    const auto run = [&](int first, int rows) {
      std::vector<float> out(static_cast<size_t>(rows) * kColumns);
      GemmF32Args args;
      args.a = a.data() + first * k;
      args.lda = k;
      args.b = packed.get();
      args.c = out.data();
      args.ldc = kColumns;
      args.m = rows;
      args.n = kColumns;
      args.k = k;
      args.activation = Activation::kGelu;
      table().gemm_f32(args);
      return out;
    };
    const auto together = run(0, kRows);
    for (int rows = 1; rows <= 13; ++rows) {
      const auto part = run(kRows - rows, rows);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), together.end() - static_cast<ptrdiff_t>(part.size())));
    }
  }
}

// Over the whole range where they are not trivially x, 0 or 1, and far outside of it.
TEST_P(GemmTest, ActivationsAreAccurate) {
  const auto packed = pack(table(), {1.0F}, 1, 1);
  for (const Activation activation : kActivations) {
    const auto error_at = [&](float x) {
      float out = 0;
      GemmF32Args args;
      args.a = &x;
      args.lda = 1;
      args.b = packed.get();
      args.c = &out;
      args.ldc = 1;
      args.m = args.n = args.k = 1;
      args.activation = activation;
      table().gemm_f32(args);
      return std::abs(static_cast<double>(out) - activated(activation, static_cast<double>(x)));
    };
    double worst = 0;
    for (float x = -12.0F; x <= 12.0F; x += 0.0007F) worst = std::max(worst, error_at(x));
    // Half a unit in the last place at 12 is 5e-7.
    EXPECT_LT(worst, 1.2e-6) << "activation " << static_cast<int>(activation);
    for (const float x : {-3e4F, -200.0F, -90.0F, 90.0F, 200.0F, 3e4F}) {
      EXPECT_LE(error_at(x), 1e-6 * static_cast<double>(std::abs(x))) << "at " << x;
    }
  }
}

}  // namespace
}  // namespace vivace
