// Attention, layer normalisation and the elementwise kernels of every table against double precision.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include "kernels/table_test_base.h"
#include "tensor/bfloat16.h"
#include "tensor/packed_matrix.h"

namespace vivace {
namespace {

class AttentionTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(AttentionTest);
class RowKernelsTest : public EachTable {};
VIVACE_FOR_EACH_TABLE(RowKernelsTest);

struct Heads {
  int tokens;
  int head_dim;
  float spread = 1;  // of the scores
  int window = std::numeric_limits<int>::max();
  bool distance_bias = false;
  bool position_keys = false;
  bool position_queries = false;
  int positions = 11;  // distances past ±5 share the last two
  int step = 1;        // from one distance's position to the next one's; below 0: the other way round
  int shared = 1;      // distances that share a position
};

// Of values that bf16 holds.
std::vector<float> random_bf16(size_t n, uint32_t seed) {
  auto values = random_floats(n, seed);
  for (float& value : values) value = from_bf16(to_bf16(value));
  return values;
}

// Operands of one head with everything that Heads asks for. Those of attention in bf16 are bf16 already, so that the
// products are as exact as those of fp32.
struct Operands {
  Operands(const KernelTable& table, const Heads& h, DType type);
  double score(int i, int j) const;
  const AttentionKernels& kernels(const KernelTable& table) const {
    return dtype == DType::kBF16 ? table.attention_bf16 : table.attention_f32;
  }

  const Heads heads;
  const DType dtype;
  const int ld;
  const std::vector<float> qkv;
  const std::vector<float> bias;
  const std::vector<float> keys;     // [positions][head_dim]
  const std::vector<float> queries;  // the same
  std::vector<int32_t> index;
  PackedMatrix packed_keys;
  PackedMatrix packed_queries;
  AttentionArgs args;

 private:
  PackedMatrix pack(const std::vector<float>& positions, const KernelTable& table) const;
  double q(int i, int d) const { return static_cast<double>(args.q[i * ld + d]); }
  double k(int j, int d) const { return static_cast<double>(args.k[j * ld + d]); }
};

Operands::Operands(const KernelTable& table, const Heads& h, DType type)
    : heads(h),
      dtype(type),
      ld(3 * h.head_dim + 1),
      qkv((type == DType::kF32 ? random_floats : random_bf16)(static_cast<size_t>(h.tokens * ld), 7)),
      bias(random_floats(static_cast<size_t>(2 * h.tokens - 1 + kDistancePadding), 17)),
      keys((type == DType::kF32 ? random_floats : random_bf16)(static_cast<size_t>(h.positions * h.head_dim), 18)),
      queries((type == DType::kF32 ? random_floats : random_bf16)(static_cast<size_t>(h.positions * h.head_dim), 19)) {
  for (int distance = 1 - h.tokens - kDistancePadding; distance < h.tokens + kDistancePadding; ++distance) {
    const int steps = static_cast<int>(std::floor(static_cast<double>(distance) / h.shared));
    index.push_back(std::clamp(h.positions / 2 - steps * h.step, 0, h.positions - 1));
  }
  packed_keys = pack(keys, table);
  packed_queries = pack(queries, table);
  args.q = qkv.data();
  args.k = args.q + h.head_dim;
  args.v = args.k + h.head_dim;
  args.ld = ld;
  args.ldo = h.head_dim;
  args.scale = h.spread / std::sqrt(static_cast<float>(h.head_dim));
  args.tokens = h.tokens;
  args.head_dim = h.head_dim;
  args.window = h.window;
  if (h.distance_bias) args.distance_bias = bias.data() + h.tokens - 1;
  if (h.position_keys || h.position_queries) args.relative.index = index.data() + h.tokens - 1 + kDistancePadding;
  if (h.position_keys) args.relative.keys = packed_keys.panel_data(0);
  if (h.position_queries) args.relative.queries = packed_queries.panel_data(0);
}

PackedMatrix Operands::pack(const std::vector<float>& positions, const KernelTable& table) const {
  const int depth = dtype == DType::kBF16 ? table.bf16.depth : 1;
  PackedMatrix packed(heads.head_dim, heads.positions,
                      PanelLayout{.dtype = dtype, .width = table.f32_panel_width, .depth = depth});
  packed.pack_rows(positions.data(), heads.positions, 0);
  return packed;
}

double Operands::score(int i, int j) const {
  const int distance = j - i + heads.tokens - 1;
  const auto position = static_cast<size_t>(index[static_cast<size_t>(distance + kDistancePadding)]);
  const auto head_dim = static_cast<size_t>(heads.head_dim);
  double score = heads.distance_bias ? static_cast<double>(bias[static_cast<size_t>(distance)]) : 0.0;
  for (int d = 0; d < heads.head_dim; ++d) {
    const auto at = static_cast<size_t>(d);
    score += q(i, d) * k(j, d);
    if (heads.position_keys) score += q(i, d) * static_cast<double>(keys[position * head_dim + at]);
    if (heads.position_queries) score += k(j, d) * static_cast<double>(queries[position * head_dim + at]);
  }
  return score * static_cast<double>(args.scale);
}

std::vector<double> reference(const Operands& operands) {
  const Heads& h = operands.heads;
  std::vector<double> out(static_cast<size_t>(h.tokens * h.head_dim));
  for (int i = 0; i < h.tokens; ++i) {
    std::vector<double> weights(static_cast<size_t>(h.tokens), -std::numeric_limits<double>::infinity());
    for (int j = 0; j < h.tokens; ++j) {
      if (std::abs(j - i) <= h.window) weights[static_cast<size_t>(j)] = operands.score(i, j);
    }
    const double highest = *std::ranges::max_element(weights);
    double sum = 0;
    for (double& weight : weights) sum += weight = std::exp(weight - highest);
    for (int d = 0; d < h.head_dim; ++d) {
      double value = 0;
      for (int j = 0; j < h.tokens; ++j) {
        value += weights[static_cast<size_t>(j)] / sum * static_cast<double>(operands.args.v[j * operands.ld + d]);
      }
      out[static_cast<size_t>(i * h.head_dim + d)] = value;
    }
  }
  return out;
}

// Attention of the operands' first `queries` tokens (0: of all), in memory of just the size that the table asks for.
std::vector<float> attend(const KernelTable& table, Operands& operands, int queries = 0) {
  const Heads& h = operands.heads;
  AttentionArgs& args = operands.args;
  const AttentionKernels& kernels = operands.kernels(table);
  args.queries = queries;
  std::vector<float> out(static_cast<size_t>((queries > 0 ? queries : h.tokens) * h.head_dim));
  const size_t scratch = kernels.scratch(h.tokens, h.head_dim, args.relative.index);
  constexpr size_t kGuard = 16;
  const std::unique_ptr<float, void (*)(void*)> memory(
      static_cast<float*>(std::aligned_alloc(64, ((scratch + kGuard) * sizeof(float) + 127) / 64 * 64)), std::free);
  // Nothing may be read unwritten, and nothing written behind the end.
  std::fill_n(memory.get(), scratch + kGuard, std::numeric_limits<float>::quiet_NaN());
  args.out = out.data();
  args.scratch = memory.get();
  kernels.run(args);
  for (size_t i = 0; i < kGuard; ++i) EXPECT_TRUE(std::isnan(memory.get()[scratch + i])) << "wrote past the scratch";
  return out;
}

std::vector<DType> attention_dtypes(const KernelTable& table) {
  EXPECT_EQ(table.attention_bf16.run != nullptr, table.has_fast_bf16);
  if (table.has_fast_bf16) return {DType::kF32, DType::kBF16};
  return {DType::kF32};
}

void check_attention(const KernelTable& table, const Heads& h) {
  SCOPED_TRACE(testing::Message() << h.tokens << " tokens of " << h.head_dim << ", window " << h.window << ", "
                                  << h.positions << " positions, step " << h.step << "/" << h.shared);
  for (const DType dtype : attention_dtypes(table)) {
    SCOPED_TRACE(dtype_name(dtype));
    Operands operands(table, h, dtype);
    const auto out = attend(table, operands);
    const auto expected = reference(operands);
    // The shares of the values, which are at most 1, are rounded to bf16 as well.
    const double tolerance = 5e-6 * (1 + h.spread) + (dtype == DType::kBF16 ? 0x1p-9 : 0);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], tolerance) << "at " << i;
  }
}

TEST_P(AttentionTest, EveryShortLength) {
  for (int tokens = 1; tokens <= 50; ++tokens) {
    for (const int head_dim : {1, 8, 12, 16, 32}) check_attention(table(), {tokens, head_dim});
  }
}

TEST_P(AttentionTest, HeadSizes) {
  for (const int head_dim : {7, 24, 33, 48, 64, 65, 80, 96, 128, 130}) check_attention(table(), {37, head_dim});
}

TEST_P(AttentionTest, LongSequences) {
  for (const int tokens : {63, 64, 65, 127, 128, 129, 255, 257, 512, 1000}) check_attention(table(), {tokens, 32});
}

// More keys than a sum takes in one part.
TEST_P(AttentionTest, VeryLongSequences) {
  for (const int tokens : {1537, 1601}) check_attention(table(), {tokens, 4});
}

// Scores far apart: without taking the maximum first, exp would overflow.
TEST_P(AttentionTest, LargeScores) {
  check_attention(table(), {40, 32, 300.0F});
}

TEST_P(AttentionTest, Windows) {
  for (const int tokens : {1, 2, 5, 17, 24, 25, 49, 64, 97, 200}) {
    for (const int window : {0, 1, 7, 16, 23, 24, 40, 64, 150}) {
      check_attention(table(), {.tokens = tokens, .head_dim = 12, .window = window});
      check_attention(table(), {.tokens = tokens, .head_dim = 70, .spread = 100.0F, .window = window});
    }
  }
}

TEST_P(AttentionTest, DistanceTerms) {
  for (const int tokens : {1, 2, 3, 15, 16, 17, 24, 25, 33, 63, 64, 65, 130}) {
    for (const int positions : {2, 11, 40, 65, 300}) {
      for (const int terms : {1, 2, 3, 4, 6, 7}) {
        check_attention(table(), {.tokens = tokens,
                                  .head_dim = 20,
                                  .distance_bias = (terms & 1) != 0,
                                  .position_keys = (terms & 2) != 0,
                                  .position_queries = (terms & 4) != 0,
                                  .positions = positions});
      }
    }
    check_attention(table(), {.tokens = tokens,
                              .head_dim = 9,
                              .window = 20,
                              .distance_bias = true,
                              .position_keys = true,
                              .position_queries = true,
                              .positions = 50});
  }
}

// Positions that rise with the distance, that distances share, and that lie farther apart than a vector is long.
TEST_P(AttentionTest, PositionsOfAllKinds) {
  for (const int tokens : {1, 2, 16, 33, 130, 200}) {
    for (const int step : {1, -1, 2, -3, 9, 40}) {
      for (const int shared : {1, 3}) {
        check_attention(table(), {.tokens = tokens,
                                  .head_dim = 16,
                                  .position_keys = true,
                                  .position_queries = true,
                                  .positions = 400,
                                  .step = step,
                                  .shared = shared});
      }
    }
  }
}

// More queries than share one product of keys and positions' queries.
TEST_P(AttentionTest, PositionsOfLongSequences) {
  for (const int tokens : {143, 144, 145, 288, 440}) {
    for (const int window : {std::numeric_limits<int>::max(), 30}) {
      check_attention(table(), {.tokens = tokens,
                                .head_dim = 16,
                                .window = window,
                                .position_keys = true,
                                .position_queries = true,
                                .positions = 256});
    }
  }
}

void check_first_queries(const KernelTable& table, int tokens, DType dtype) {
  Operands operands(table,
                    {.tokens = tokens,
                     .head_dim = 20,
                     .distance_bias = true,
                     .position_keys = true,
                     .position_queries = true,
                     .positions = 256},
                    dtype);
  const auto all = attend(table, operands);
  for (const int queries : {1, 2, 25, 145}) {
    if (queries > tokens) continue;
    const auto some = attend(table, operands, queries);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << queries << " of " << tokens;
  }
}

TEST_P(AttentionTest, TheFirstQueriesAloneHaveTheSameBits) {
  for (const int tokens : {1, 9, 40, 150, 300}) {
    for (const DType dtype : attention_dtypes(table())) check_first_queries(table(), tokens, dtype);
  }
}

TEST_P(RowKernelsTest, LayerNorm) {
  for (int n = 1; n <= 150; ++n) {
    constexpr int kRows = 3;
    const auto x = random_floats(static_cast<size_t>(kRows * n) + 1, 8);
    const auto gamma = random_floats(static_cast<size_t>(n), 9);
    const auto beta = random_floats(static_cast<size_t>(n), 10);
    std::vector<float> values = x;
    LayerNormF32Args args;
    args.x = values.data() + 1;
    args.ldx = n;
    args.out = values.data() + 1;
    args.ldo = n;
    args.gamma = gamma.data();
    args.beta = beta.data();
    args.epsilon = 1e-5F;
    args.rows = kRows;
    args.n = n;
    table().layer_norm_f32(args);
    for (int row = 0; row < kRows; ++row) {
      double mean = 0;
      double variance = 0;
      const auto at = [&](int i) { return static_cast<double>(x[static_cast<size_t>(1 + row * n + i)]); };
      for (int i = 0; i < n; ++i) mean += at(i) / n;
      for (int i = 0; i < n; ++i) variance += (at(i) - mean) * (at(i) - mean) / n;
      for (int i = 0; i < n; ++i) {
        const double expected =
            (at(i) - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(gamma[static_cast<size_t>(i)]) +
            static_cast<double>(beta[static_cast<size_t>(i)]);
        // With one value the mean is the value and everything left is rounding, blown up by 1/sqrt(epsilon).
        ASSERT_NEAR(args.out[row * n + i], expected, 2e-5) << "n = " << n << ", value " << i;
      }
    }
  }
}

TEST_P(RowKernelsTest, AddScaleMultiplyDot) {
  for (size_t n = 0; n <= 70; ++n) {
    const auto x = random_floats(n + 1, 11);
    auto y = random_floats(n + 2, 12);
    const auto before = y;
    double dot = 0;
    for (size_t i = 0; i < n; ++i) dot += static_cast<double>(x[i + 1]) * static_cast<double>(y[i + 1]);
    EXPECT_NEAR(table().dot_f32(x.data() + 1, y.data() + 1, n), dot, 1e-5);
    table().add_f32(x.data() + 1, y.data() + 1, n);
    table().scale_f32(0.5F, y.data() + 1, n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(y[i + 1], (before[i + 1] + x[i + 1]) * 0.5F);
    table().multiply_f32(x.data() + 1, y.data() + 1, n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(y[i + 1], (before[i + 1] + x[i + 1]) * 0.5F * x[i + 1]);
    EXPECT_EQ(y[n + 1], before[n + 1]) << "wrote past the end";
  }
}

TEST_P(RowKernelsTest, AllFinite) {
  for (size_t n = 0; n <= 40; ++n) {
    auto x = random_floats(n + 1, 13);
    x[n] = std::numeric_limits<float>::quiet_NaN();  // behind the end: must not be seen
    EXPECT_TRUE(table().all_finite_f32(x.data(), n));
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      for (size_t i = 0; i < n; ++i) {
        const float kept = std::exchange(x[i], bad);
        EXPECT_FALSE(table().all_finite_f32(x.data(), n)) << "missed " << bad << " at " << i << " of " << n;
        x[i] = kept;
      }
    }
  }
}

}  // namespace
}  // namespace vivace
