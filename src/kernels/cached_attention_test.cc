// Cached attention and RMS norms on every table, against straightforward sums in double precision.
#include <algorithm>
#include <cmath>

#include "kernels/table_test_base.h"

namespace vivace {
namespace {

class CachedAttentionTest : public EachTable {};
class RmsNormTest : public EachTable {};

struct Case {
  int queries;
  int keys;
  int first_visible;
  int head_dim;
  bool biased;
};

struct Operands {
  explicit Operands(const Case& c)
      : ld(2 * c.head_dim + 3),
        q(random_floats(static_cast<size_t>(c.queries * ld), 1)),
        kv(random_floats(static_cast<size_t>(c.keys * ld), 2)),
        bias(random_floats(static_cast<size_t>(c.keys), 3)),
        scratch(static_cast<size_t>(c.keys + kScorePadding)) {
    for (float& value : q) value *= 3;
    for (float& value : bias) value *= 4;
  }
  CachedAttentionF32Args args(const Case& c, std::vector<float>* out) {
    out->assign(static_cast<size_t>(c.queries * ld), 77.0F);
    CachedAttentionF32Args args;
    args.q = q.data();
    args.ldq = ld;
    args.k = kv.data();
    args.v = kv.data() + c.head_dim;
    args.ld = ld;
    args.out = out->data();
    args.ldo = ld;
    args.scale = 0.7F;
    args.queries = c.queries;
    args.keys = c.keys;
    args.first_visible = c.first_visible;
    args.head_dim = c.head_dim;
    args.distance_bias = c.biased ? bias.data() + c.keys - 1 : nullptr;
    args.scratch = scratch.data();
    return args;
  }
  int ld;
  std::vector<float> q;
  std::vector<float> kv;
  std::vector<float> bias;
  std::vector<float> scratch;
};

std::vector<double> expected_row(const CachedAttentionF32Args& args, int query) {
  const int visible = std::min(args.keys, args.first_visible + query);
  std::vector<double> scores(static_cast<size_t>(visible));
  for (int j = 0; j < visible; ++j) {
    double score = 0;
    for (int d = 0; d < args.head_dim; ++d) {
      score += static_cast<double>(args.q[query * args.ldq + d]) * static_cast<double>(args.k[j * args.ld + d]);
    }
    score *= static_cast<double>(args.scale);
    if (args.distance_bias != nullptr) score += static_cast<double>(args.distance_bias[j - (visible - 1)]);
    scores[static_cast<size_t>(j)] = score;
  }
  const double highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - highest);
  std::vector<double> out(static_cast<size_t>(args.head_dim), 0.0);
  for (int j = 0; j < visible; ++j) {
    for (int d = 0; d < args.head_dim; ++d) {
      out[static_cast<size_t>(d)] +=
          scores[static_cast<size_t>(j)] / sum * static_cast<double>(args.v[j * args.ld + d]);
    }
  }
  return out;
}

constexpr Case kCases[] = {
    {1, 1, 1, 1, true},       {1, 7, 7, 11, true},    {3, 9, 7, 16, true},
    {5, 40, 36, 64, true},    {4, 33, 33, 64, false}, {2, 17, 16, 80, true},
    {1, 130, 130, 67, false}, {6, 6, 1, 33, true},    {2, 96, 96, 128, true},
};

TEST_P(CachedAttentionTest, EqualsSumsInDoublePrecision) {
  for (const Case& c : kCases) {
    Operands operands(c);
    std::vector<float> out;
    const CachedAttentionF32Args args = operands.args(c, &out);
    table().cached_attention_f32(args);
    for (int i = 0; i < c.queries; ++i) {
      const std::vector<double> expected = expected_row(args, i);
      const auto row = out.begin() + i * operands.ld;
      for (int d = 0; d < c.head_dim; ++d) EXPECT_NEAR(row[d], expected[static_cast<size_t>(d)], 3e-6);
      EXPECT_TRUE(std::all_of(row + c.head_dim, row + operands.ld, [](float x) { return x == 77.0F; }));
    }
  }
}

TEST_P(CachedAttentionTest, QueriesTogetherAndAloneHaveTheSameBits) {
  for (const Case& c : kCases) {
    Operands operands(c);
    std::vector<float> together;
    table().cached_attention_f32(operands.args(c, &together));
    for (int i = 0; i < c.queries; ++i) {
      // As it was when the query's own key was the last one.
      const int visible = std::min(c.keys, c.first_visible + i);
      std::vector<float> alone;
      CachedAttentionF32Args args = operands.args({1, visible, visible, c.head_dim, c.biased}, &alone);
      args.q += i * operands.ld;
      if (c.biased) args.distance_bias = operands.bias.data() + c.keys - 1;
      table().cached_attention_f32(args);
      EXPECT_TRUE(std::equal(alone.begin(), alone.begin() + c.head_dim, together.begin() + i * operands.ld)) << i;
    }
  }
}

TEST_P(RmsNormTest, EqualsSumsInDoublePrecisionAlsoInPlace) {
  for (const int n : {1, 5, 16, 36, 63, 64, 130, 768}) {
    constexpr int kRows = 3;
    const int ld = n + 2;
    std::vector<float> x = random_floats(static_cast<size_t>(kRows * ld), 4);
    const std::vector<float> gamma = random_floats(static_cast<size_t>(n), 5);
    const std::vector<float> before = x;
    RmsNormF32Args args;
    args.x = x.data();
    args.ldx = ld;
    args.out = x.data();
    args.ldo = ld;
    args.gamma = gamma.data();
    args.epsilon = 1e-3F;
    args.rows = kRows;
    args.n = n;
    table().rms_norm_f32(args);
    for (int row = 0; row < kRows; ++row) {
      const float* in = before.data() + row * ld;
      double squares = 0;
      for (int i = 0; i < n; ++i) squares += static_cast<double>(in[i]) * static_cast<double>(in[i]);
      const double scale = 1 / std::sqrt(squares / n + 1e-3);
      for (int i = 0; i < n; ++i) {
        const double expected = static_cast<double>(in[i]) * scale * static_cast<double>(gamma[static_cast<size_t>(i)]);
        EXPECT_NEAR(x[static_cast<size_t>(row * ld + i)], expected, 3e-6);
      }
      EXPECT_EQ(x[static_cast<size_t>(row * ld + n)], in[n]);
    }
  }
}

VIVACE_FOR_EACH_TABLE(CachedAttentionTest);
VIVACE_FOR_EACH_TABLE(RmsNormTest);

}  // namespace
}  // namespace vivace
