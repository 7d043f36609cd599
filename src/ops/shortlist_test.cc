// The highest output found through a copy in int8 is that of the whole product, to the bit and with its ties.
#include "ops/shortlist.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class ShortlistTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(ShortlistTest);

struct Case {
  int k = 64;
  std::vector<float> weights{};  // [n, k]
  std::vector<float> x{};        // [rows, k]
  std::vector<int32_t> apart{};
  std::vector<int32_t> outliers{};
  int n() const { return static_cast<int>(weights.size()) / k; }
  int rows() const { return static_cast<int>(x.size()) / k; }
};

Linear pack(const KernelTable& kernels, const Case& c, Precision precision) {
  const auto outliers =
      precision == Precision::kInt8 ? std::span<const int32_t>(c.outliers) : std::span<const int32_t>();
  Linear layer{PackedMatrix(c.k, c.n(), panel_layout(kernels, precision), outliers), {}};
  layer.weight.pack_rows(c.weights.data(), c.n(), 0);
  return layer;
}

int32_t highest(const float* outputs, int n) {
  return static_cast<int32_t>(std::max_element(outputs, outputs + n) - outputs);
}

// Outputs that were not computed, of all rows.
struct Found {
  std::vector<float> outputs;
  int left_out = 0;
};

// The bits of two numbers, or none of both: which of its bits a NaN has, the compiler's order of operands decides.
bool is_same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

// Compares with the whole product, whichever of those apart are ruled out.
void compare(const Case& c, std::vector<float> whole, Found* found) {
  const int n = c.n();
  for (int row = 0; row < c.rows(); ++row) {
    float* expected = whole.data() + static_cast<ptrdiff_t>(row) * n;
    float* got = found->outputs.data() + static_cast<ptrdiff_t>(row) * n;
    for (int j = 0; j < n; ++j) {
      const bool same = is_same(got[j], expected[j]);
      found->left_out += same ? 0 : 1;
      ASSERT_TRUE(same || (got[j] == -kInfinity && std::isfinite(expected[j]))) << "row " << row << " output " << j;
    }
    for (const int32_t id : c.apart) ASSERT_TRUE(is_same(got[id], expected[id]));
    ASSERT_EQ(highest(got, n), highest(expected, n)) << "row " << row;
    for (const int32_t id : c.apart) {
      got[id] = -kInfinity;
      expected[id] = -kInfinity;
      ASSERT_EQ(highest(got, n), highest(expected, n)) << "row " << row << " without " << id;
    }
  }
}

// For fp32 and bf16 and any number of threads. Returns how many outputs were left out in fp32.
int check(const KernelTable& kernels, const Case& c) {
  int left_out = 0;
  for (const Precision precision : {Precision::kBf16, Precision::kF32}) {
    SCOPED_TRACE(precision_name(precision));
    const Linear layer = pack(kernels, c, precision);
    Shortlist shortlist{pack(kernels, c, Precision::kInt8), {}};
    shortlist.norms = shortlist_norms(layer.weight, shortlist.coarse.weight);
    EXPECT_FALSE(shortlist.empty());
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      std::vector<Arena> arenas(static_cast<size_t>(threads));
      const ExecutionContext context{&kernels, &pool, arenas};
      const MatrixView<const float> x{c.x.data(), c.rows(), c.k, c.k};
      std::vector<float> whole(static_cast<size_t>(c.rows()) * static_cast<size_t>(c.n()));
      Found found{whole};
      linear(context, x, layer, {}, {whole.data(), c.rows(), c.n(), c.n()});
      linear_highest(context, x, layer, shortlist, c.apart, {found.outputs.data(), c.rows(), c.n(), c.n()});
      if (threads == 1) first = found.outputs;
      EXPECT_EQ(std::memcmp(first.data(), found.outputs.data(), first.size() * sizeof(float)), 0) << threads;
      compare(c, whole, &found);
      left_out = found.left_out;
    }
  }
  return left_out;
}

std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

TEST_P(ShortlistTest, MostOutputsAreLeftOut) {
  for (const int rows : {1, 2, 7, 13}) {
    const Case c{.weights = random_floats(2000 * 64, 1), .x = random_floats(static_cast<size_t>(rows) * 64, 2)};
    EXPECT_GT(check(table(), c), 2000 * rows * 7 / 10) << rows;
  }
}

TEST_P(ShortlistTest, AnyShape) {
  for (const int n : {1, 2, 15, 16, 17, 63, 64, 65, 130}) {
    for (const int k : {1, 2, 3, 33, 64, 100}) {
      Case c{.k = k,
             .weights = random_floats(static_cast<size_t>(n * k), static_cast<uint32_t>(n)),
             .x = random_floats(static_cast<size_t>(3 * k), static_cast<uint32_t>(k))};
      check(table(), c);
      c.apart = {n - 1, 0};
      check(table(), c);
    }
  }
}

// Outputs that differ by less than int8 can tell, by a bit of a weight, and not at all: the first of the highest wins.
TEST_P(ShortlistTest, NearAndExactTies) {
  constexpr size_t kInputs = 48;
  constexpr size_t kOutputs = 300;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const auto base = random_floats(kInputs, 100 + seed);
    const auto noise = random_floats(kInputs * kOutputs, 200 + seed);
    Case c{.k = kInputs, .weights = std::vector<float>(kInputs * kOutputs), .x = random_floats(4 * kInputs, seed)};
    for (size_t i = 0; i < c.weights.size(); ++i) {
      const size_t output = i / kInputs;
      const float step = output % 3 == 0 ? 0.0F : output % 3 == 1 ? 1e-7F : 1e-4F;
      c.weights[i] = base[i % kInputs] + step * noise[i];
    }
    check(table(), c);
    c.apart = {0, 3, 150, 299};
    check(table(), c);
  }
}

TEST_P(ShortlistTest, AllOutputsAlike) {
  const auto base = random_floats(64, 1);
  Case c{.weights = {}, .x = random_floats(2 * 64, 2)};
  for (int i = 0; i < 100; ++i) c.weights.insert(c.weights.end(), base.begin(), base.end());
  EXPECT_EQ(check(table(), c), 0);
  c.apart = {0, 1, 2};
  EXPECT_EQ(check(table(), c), 0);
}

TEST_P(ShortlistTest, RowsOfAnySize) {
  for (const float size : {0.0F, -0.0F, 1e-42F, 1e-38F, 1e-30F, 1e-20F, 1e-6F, 1e6F, 1e17F, 1e20F, 1e30F, 3e38F}) {
    SCOPED_TRACE(size);
    for (const float weight_size : {1e-38F, 1e-10F, 1.0F, 1e10F}) {
      check(table(), {.weights = scaled(random_floats(100 * 64, 1), weight_size),
                      .x = scaled(random_floats(2 * 64, 2), size),
                      .apart = {99}});
    }
  }
}

// One value that takes the scale of all others, with and without an outlier for it.
TEST_P(ShortlistTest, OneHugeInput) {
  for (const float size : {30.0F, 3000.0F, 3e6F}) {
    Case c{.weights = random_floats(500 * 64, 1), .x = random_floats(3 * 64, 2)};
    for (size_t row = 0; row < 3; ++row) c.x[row * 64 + 17] = row == 1 ? -size : size;
    const int without = check(table(), c);
    c.outliers = {17};
    EXPECT_GE(check(table(), c), without);
    EXPECT_GT(check(table(), c), 500);
  }
}

TEST_P(ShortlistTest, WhatIsNoNumberIsAsInTheWholeProduct) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float odd : {nan, kInfinity, -kInfinity}) {
    Case c{.weights = random_floats(200 * 64, 1), .x = random_floats(5 * 64, 2), .apart = {1, 199}};
    c.x[64 + 5] = odd;
    c.x[3 * 64] = odd;
    c.x[3 * 64 + 1] = -odd;
    EXPECT_GT(check(table(), c), 0) << "the other rows have outputs to leave out";
  }
}

TEST_P(ShortlistTest, OnlyTokensApart) {
  check(table(), {.weights = random_floats(3 * 64, 1), .x = random_floats(2 * 64, 2), .apart = {2, 0, 1}});
}

TEST_P(ShortlistTest, NoShortlistForWeightsThatMayOverflow) {
  const Case c{.weights = scaled(random_floats(20 * 64, 1), 1e30F), .x = {}};
  const Linear layer = pack(table(), c, Precision::kF32);
  EXPECT_EQ(shortlist_norms(layer.weight, pack(table(), c, Precision::kInt8).weight).size(), 0U);
}

// The norms are bounds of what the matrices hold.
TEST_P(ShortlistTest, NormsAreRoundedUp) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    const Case c{.k = 70, .weights = random_floats(90 * 70, 5), .x = {}, .outliers = {3, 69}};
    const PackedMatrix exact = pack(table(), c, precision).weight;
    const PackedMatrix coarse = pack(table(), c, Precision::kInt8).weight;
    const AlignedBuffer<float> norms = shortlist_norms(exact, coarse);
    std::vector<float> rows(140);
    for (int j = 0; j < 90; ++j) {
      exact.unpack_row(j, rows.data());
      coarse.unpack_row(j, rows.data() + 70);
      double norm = 0;
      double error = 0;
      for (size_t i = 0; i < 70; ++i) {
        const double rough = static_cast<double>(rows[70 + i]);
        norm += rough * rough;
        error += (static_cast<double>(rows[i]) - rough) * (static_cast<double>(rows[i]) - rough);
      }
      EXPECT_GE(static_cast<double>(norms.data()[j]), std::sqrt(norm));
      EXPECT_LE(static_cast<double>(norms.data()[j]), std::sqrt(norm) * 1.00001);
      EXPECT_GE(static_cast<double>(norms.data()[90 + j]), std::sqrt(error));
      EXPECT_LE(static_cast<double>(norms.data()[90 + j]), std::sqrt(error) * 1.01);
    }
  }
}

}  // namespace
}  // namespace vivace
