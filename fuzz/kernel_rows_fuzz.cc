// Attention, norms and the elementwise kernels on any numbers, sizes and places in memory, on every table: within
// rounding of the generic table's. Nothing outside the arrays is touched.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "fuzzed_tables.h"
#include "kernel_case.h"
#include "tensor/aligned_buffer.h"
#include "tensor/bfloat16.h"
#include "tensor/packed_matrix.h"

namespace vivace {
namespace {

size_t size_of(int rows, int columns) {
  return static_cast<size_t>(rows) * static_cast<size_t>(columns);
}

double largest(std::span<const float> values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::fabs(static_cast<double>(value)));
  return most;
}

void check_close(std::span<const float> out, std::span<const float> expected, double tolerance) {
  CHECK(out.size() == expected.size());
  for (size_t i = 0; i < out.size(); ++i) {
    CHECK(std::isfinite(out[i]) &&
          std::fabs(static_cast<double>(out[i]) - static_cast<double>(expected[i])) <= tolerance);
  }
}

struct Attention {
  DType dtype = DType::kF32;
  int tokens = 0;
  int queries = 0;
  int head_dim = 0;
  int window = kUnlimitedWindow;
  int positions = 0;  // 0: none
  bool position_keys = false;
  bool position_queries = false;
  size_t misalignment = 0;
  float scale = 1;
  std::vector<float> qkv;   // [tokens][3 · head_dim]
  std::vector<float> bias;  // or empty
  std::vector<float> keys;
  std::vector<float> position_rows;
  std::vector<int32_t> index;
};

Attention attention_of(ByteReader& bytes) {
  Attention a;
  a.dtype = bytes.flag() ? DType::kBF16 : DType::kF32;
  a.tokens = bytes.between(1, bytes.byte() % 8 == 0 ? 400 : 70);
  a.queries = bytes.flag() ? bytes.between(1, a.tokens) : 0;
  a.head_dim = bytes.between(1, bytes.flag() ? 130 : 40);
  if (bytes.flag()) a.window = bytes.between(0, 100);
  a.position_keys = bytes.flag();
  a.position_queries = bytes.flag();
  a.positions = bytes.between(1, 300);
  a.misalignment = bytes.byte() % 16;
  a.scale = static_cast<float>(bytes.between(1, 200)) / 400.0F / std::sqrt(static_cast<float>(a.head_dim));
  const bool has_bias = bytes.flag();
  const int middle = bytes.between(0, a.positions - 1);
  const int step = bytes.between(-9, 9);
  const int shared = bytes.between(1, 5);
  for (int distance = 1 - a.tokens - kDistancePadding; distance < a.tokens + kDistancePadding; ++distance) {
    const int steps = static_cast<int>(std::floor(static_cast<double>(distance) / shared));
    a.index.push_back(std::clamp(middle - steps * step, 0, a.positions - 1));
  }
  a.qkv = NumberSource(bytes).take(size_of(a.tokens, 3 * a.head_dim));
  if (has_bias) a.bias = NumberSource(bytes).take(static_cast<size_t>(2 * a.tokens - 1 + kDistancePadding));
  a.keys = NumberSource(bytes).take(size_of(a.positions, a.head_dim));
  a.position_rows = NumberSource(bytes).take(size_of(a.positions, a.head_dim));
  // Scores are to stay within what exp can tell apart, and products of bf16 to begin with operands that are.
  for (auto* numbers : {&a.qkv, &a.bias, &a.keys, &a.position_rows}) {
    for (float& number : *numbers) {
      number = std::clamp(number, -8.0F, 8.0F);
      if (a.dtype == DType::kBF16) number = from_bf16(to_bf16(number));
    }
  }
  return a;
}

PackedMatrix pack_positions(const KernelTable& table, const Attention& a, DType dtype, const std::vector<float>& rows) {
  const int depth = dtype == DType::kBF16 ? table.bf16.depth : 1;
  PackedMatrix packed(a.head_dim, a.positions, {.dtype = dtype, .width = table.f32_panel_width, .depth = depth});
  packed.pack_rows(rows.data(), a.positions, 0);
  return packed;
}

std::vector<float> attend(const KernelTable& table, const Attention& a, DType dtype) {
  const AttentionKernels& kernels = dtype == DType::kBF16 ? table.attention_bf16 : table.attention_f32;
  const PackedMatrix keys = pack_positions(table, a, dtype, a.keys);
  const PackedMatrix queries = pack_positions(table, a, dtype, a.position_rows);
  const ExactArray<float> qkv(a.qkv, a.misalignment);
  const ExactArray<float> bias(a.bias, a.misalignment);
  const ExactArray<int32_t> index(a.index, a.misalignment);
  ExactArray<float> out(size_of(a.queries > 0 ? a.queries : a.tokens, a.head_dim), a.misalignment);
  AttentionArgs args;
  args.q = qkv.data();
  args.k = args.q + a.head_dim;
  args.v = args.k + a.head_dim;
  args.ld = 3 * a.head_dim;
  args.out = out.data();
  args.ldo = a.head_dim;
  args.scale = a.scale;
  args.tokens = a.tokens;
  args.queries = a.queries;
  args.head_dim = a.head_dim;
  args.window = a.window;
  if (!a.bias.empty()) args.distance_bias = bias.data() + a.tokens - 1;
  if (a.position_keys || a.position_queries) args.relative.index = index.data() + a.tokens - 1 + kDistancePadding;
  if (a.position_keys) args.relative.keys = keys.panel_data(0);
  if (a.position_queries) args.relative.queries = queries.panel_data(0);
  const size_t scratch_size = kernels.scratch(a.tokens, a.head_dim, args.relative.index);
  ExactArray<float> scratch(scratch_size, 0);
  std::fill_n(scratch.data(), scratch_size, std::numeric_limits<float>::quiet_NaN());
  args.scratch = scratch.data();
  kernels.run(args);
  const auto values = out.values();
  return {values.begin(), values.end()};
}

// The values' shares follow the scores, of which rounding moves each by a share of what was added up.
void check_attention(ByteReader& bytes) {
  const Attention a = attention_of(bytes);
  const std::vector<float> expected = attend(kernel_table_generic, a, DType::kF32);
  const double q = largest(a.qkv);
  const double k = std::max({q, largest(a.keys), largest(a.position_rows)});
  const double scores = static_cast<double>(a.scale) * (3 * a.head_dim * q * k + largest(a.bias));
  const double share = a.dtype == DType::kBF16 ? 0x1p-8 : 0;  // shares are rounded as well
  const double tolerance = q * (1e-5 + 4e-6 * scores + share);
  for (const KernelTable* table : fuzzed_tables()) {
    if (a.dtype == DType::kF32 || table->has_fast_bf16) check_close(attend(*table, a, a.dtype), expected, tolerance);
  }
}

struct CachedAttention {
  CachedAttentionF32Args args;
  size_t misalignment = 0;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> bias;
};

std::vector<float> attend_cached(const KernelTable& table, const CachedAttention& c) {
  const ExactArray<float> q(c.q, c.misalignment);
  const ExactArray<float> k(c.k, c.misalignment);
  const ExactArray<float> v(c.v, c.misalignment);
  const ExactArray<float> bias(c.bias, c.misalignment);
  ExactArray<float> out(c.q.size(), c.misalignment);
  CachedAttentionF32Args args = c.args;
  ExactArray<float> scratch(static_cast<size_t>(args.keys + kScorePadding), 0);
  args.q = q.data();
  args.k = k.data();
  args.v = v.data();
  args.ldq = args.ld = args.ldo = args.head_dim;
  args.out = out.data();
  if (!c.bias.empty()) args.distance_bias = bias.data() + args.keys - 1;
  args.scratch = scratch.data();
  table.cached_attention_f32(args);
  const auto values = out.values();
  return {values.begin(), values.end()};
}

void check_cached_attention(ByteReader& bytes) {
  CachedAttention c;
  c.args.queries = bytes.between(1, 6);
  c.args.keys = bytes.between(1, 300);
  c.args.first_visible = bytes.between(1, c.args.keys);
  c.args.head_dim = bytes.between(1, 130);
  c.args.scale = static_cast<float>(bytes.between(1, 200)) / 400.0F / std::sqrt(static_cast<float>(c.args.head_dim));
  c.misalignment = bytes.byte() % 16;
  const bool has_bias = bytes.flag();
  c.q = NumberSource(bytes).take(size_of(c.args.queries, c.args.head_dim));
  c.k = NumberSource(bytes).take(size_of(c.args.keys, c.args.head_dim));
  c.v = NumberSource(bytes).take(size_of(c.args.keys, c.args.head_dim));
  if (has_bias) c.bias = NumberSource(bytes).take(static_cast<size_t>(c.args.keys));
  for (auto* numbers : {&c.q, &c.k, &c.v, &c.bias}) {
    for (float& number : *numbers) number = std::clamp(number, -8.0F, 8.0F);
  }
  const double scores =
      static_cast<double>(c.args.scale) * c.args.head_dim * largest(c.q) * largest(c.k) + largest(c.bias);
  const double tolerance = largest(c.v) * (1e-5 + 4e-6 * scores);
  const std::vector<float> expected = attend_cached(kernel_table_generic, c);
  for (const KernelTable* table : fuzzed_tables()) check_close(attend_cached(*table, c), expected, tolerance);
}

void check_norms(ByteReader& bytes) {
  const int rows = bytes.between(0, 5);
  const int n = bytes.between(1, 300);
  const size_t misalignment = bytes.byte() % 16;
  const bool in_place = bytes.flag();
  const ExactArray<float> x(NumberSource(bytes).take(size_of(rows, n)), misalignment);
  const ExactArray<float> gamma(NumberSource(bytes).take(static_cast<size_t>(n)), misalignment);
  const ExactArray<float> beta(NumberSource(bytes).take(static_cast<size_t>(n)), misalignment);
  const auto run = [&](auto args, auto kernel) {
    ExactArray<float> out(x.values(), misalignment);
    args.x = in_place ? out.data() : x.data();
    args.out = out.data();
    args.ldx = args.ldo = args.n = n;
    args.gamma = gamma.data();
    args.epsilon = 1e-5F;
    args.rows = rows;
    kernel(args);
    return std::vector<float>(out.values().begin(), out.values().end());
  };
  LayerNormF32Args layer_norm;
  layer_norm.beta = beta.data();
  const auto mean_removed = run(layer_norm, kernel_table_generic.layer_norm_f32);
  const auto scaled = run(RmsNormF32Args(), kernel_table_generic.rms_norm_f32);
  // Where a row's values are close to each other, what its mean leaves of them is mostly rounding.
  const double blown_up = 1e-6 * largest(x.values()) / std::sqrt(1e-5);
  const double tolerance = largest(gamma.values()) * (1e-5 * std::sqrt(n) + blown_up) + 1e-6 * largest(beta.values());
  for (const KernelTable* table : fuzzed_tables()) {
    check_close(run(layer_norm, table->layer_norm_f32), mean_removed, tolerance);
    check_close(run(RmsNormF32Args(), table->rms_norm_f32), scaled, tolerance);
  }
}

void check_elementwise(ByteReader& bytes) {
  const auto n = static_cast<size_t>(bytes.between(0, 300));
  const size_t misalignment = bytes.byte() % 16;
  const std::vector<float> x = NumberSource(bytes).take(n);
  const std::vector<float> y = NumberSource(bytes).take(n);
  const ExactArray<float> left(x, misalignment);
  double products = 0;
  for (size_t i = 0; i < n; ++i) products += std::fabs(static_cast<double>(x[i]) * static_cast<double>(y[i]));
  const auto run = [&](const KernelTable& table) {
    ExactArray<float> right(y, misalignment / 2);
    table.add_f32(left.data(), right.data(), n);
    table.scale_f32(0.75F, right.data(), n);
    table.multiply_f32(left.data(), right.data(), n);
    return std::vector<float>(right.values().begin(), right.values().end());
  };
  const ExactArray<float> right(y, misalignment / 2);
  const float dot = kernel_table_generic.dot_f32(left.data(), right.data(), n);
  std::vector<float> odd = x;
  const size_t place = n == 0 ? 0 : bytes.byte() % n;
  if (n > 0 && bytes.flag()) {
    odd[place] = bytes.flag() ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  }
  const ExactArray<float> maybe_finite(odd, misalignment);
  for (const KernelTable* table : fuzzed_tables()) {
    CHECK(run(*table) == run(kernel_table_generic));
    check_close(std::vector{table->dot_f32(left.data(), right.data(), n)}, std::vector{dot}, 1e-6 * products + 1e-30);
    CHECK(table->all_finite_f32(maybe_finite.data(), n) ==
          std::ranges::all_of(odd, [](float v) { return std::isfinite(v); }));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader bytes({data, size});
  switch (bytes.byte() % 8) {
    case 0: check_norms(bytes); break;
    case 1: check_elementwise(bytes); break;
    case 2:
    case 3: check_cached_attention(bytes); break;
    default: check_attention(bytes); break;
  }
  return 0;
}

}  // namespace vivace
