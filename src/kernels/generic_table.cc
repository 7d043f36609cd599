// The kernels in plain C++: what the others are tested against, and what runs where there is no better table.
#include <bit>
#include <cmath>

#include "kernels/kernel_table.h"

namespace vivace {
namespace {

constexpr int kPanelWidth = 16;

float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
    case Activation::kGeluTanh: return 0.5F * x * (1.0F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case Activation::kRelu: return x > 0 ? x : 0;
    case Activation::kSilu: return x / (1.0F + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return x;
}

void gemm_f32(const GemmF32Args& args) noexcept {
  for (int row = 0; row < args.m; ++row) {
    const float* a = args.a + row * args.lda;
    for (int first = 0; first < args.n; first += kPanelWidth) {
      const float* panel = args.b + static_cast<ptrdiff_t>(first) * args.k;
      float sums[kPanelWidth] = {};
      for (int k = 0; k < args.k; ++k) {
        for (int j = 0; j < kPanelWidth; ++j) sums[j] += a[k] * panel[k * kPanelWidth + j];
      }
      for (int j = 0; j < kPanelWidth && first + j < args.n; ++j) {
        const int column = first + j;
        float value = sums[j] + (args.bias != nullptr ? args.bias[column] : 0.0F);
        value = activate(args.activation, value);
        if (args.residual != nullptr) value += args.residual[row * args.ldr + column];
        args.c[row * args.ldc + column] = value;
      }
    }
  }
}

// Finishes the product of one row and one panel.
void store_sums(const GemmLowArgs& args, int row, int first, const float* sums) {
  for (int j = 0; j < kPanelWidth && first + j < args.n; ++j) {
    const int column = first + j;
    float value = sums[j] + (args.bias != nullptr ? args.bias[column] : 0.0F);
    for (int i = 0; i < args.outlier_count; ++i) {
      value += args.outlier_values[row * args.outlier_count + i] * args.outlier_weights[i * args.ldo + column];
    }
    value = activate(args.activation, value);
    if (args.residual != nullptr) value += args.residual[row * args.ldr + column];
    args.c[row * args.ldc + column] = value;
  }
}

float from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// To the nearest bf16, ties to even; what is not a number stays so.
float round_to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return x;
  return std::bit_cast<float>((bits + 0x7FFFU + ((bits >> 16) & 1U)) & 0xFFFF0000U);
}

void prepare_bf16(const PrepareArgs& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    float* out = static_cast<float*>(args.out) + row * args.ldo;
    for (int i = 0; i < args.k; ++i) out[i] = round_to_bf16(args.x[row * args.ldx + i]);
  }
}

void gemm_bf16(const GemmLowArgs& args) noexcept {
  for (int row = 0; row < args.m; ++row) {
    const float* a = static_cast<const float*>(args.a) + row * args.lda;
    for (int first = 0; first < args.n; first += kPanelWidth) {
      const uint16_t* panel = static_cast<const uint16_t*>(args.b) + static_cast<ptrdiff_t>(first) * args.k;
      float sums[kPanelWidth] = {};
      for (int k = 0; k < args.k; ++k) {
        for (int j = 0; j < kPanelWidth; ++j) sums[j] += a[k] * from_bf16(panel[k * kPanelWidth + j]);
      }
      store_sums(args, row, first, sums);
    }
  }
}

// Rows whose values lie closer together are taken as zeros: 255 / range would not be finite.
constexpr float kSmallestRange = 1e-30F;

void prepare_int8(const PrepareArgs& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    auto* out = static_cast<int16_t*>(args.out) + row * args.ldo;
    float lowest = 0;
    float highest = 0;
    int outliers = 0;
    for (int i = 0; i < args.k; ++i) {
      if (outliers < args.outlier_count && i == args.outliers[outliers]) {
        args.outlier_values[row * args.outlier_count + outliers++] = x[i];
        continue;
      }
      lowest = std::fmin(lowest, x[i]);
      highest = std::fmax(highest, x[i]);
    }
    const bool is_zero = highest - lowest < kSmallestRange;
    const float inverse = is_zero ? 0.0F : 255.0F / (highest - lowest);
    const float zero = std::nearbyint(-lowest * inverse);
    args.scales[row] = is_zero ? 0.0F : (highest - lowest) / 255.0F;
    args.zeros[row] = static_cast<int32_t>(zero >= 0.0F && zero <= 255.0F ? zero : 0.0F);
    for (int i = 0; i < args.k; ++i) {
      const float q = std::nearbyint(x[i] * inverse);
      // Rounding both ends up would take 257 steps; what is no number becomes one.
      out[i] = static_cast<int16_t>(q >= -255.0F ? std::fmin(q, 255.0F - zero) : -255.0F);
    }
  }
}

void gemm_int8(const GemmLowArgs& args) noexcept {
  for (int row = 0; row < args.m; ++row) {
    const int16_t* a = static_cast<const int16_t*>(args.a) + row * args.lda;
    for (int first = 0; first < args.n; first += kPanelWidth) {
      const int8_t* panel = static_cast<const int8_t*>(args.b) + static_cast<ptrdiff_t>(first) * args.k;
      int32_t whole[kPanelWidth] = {};
      for (int k = 0; k < args.k; ++k) {
        for (int j = 0; j < kPanelWidth; ++j) whole[j] += a[k] * panel[k * kPanelWidth + j];
      }
      float sums[kPanelWidth];
      for (int j = 0; j < kPanelWidth; ++j) {
        sums[j] = static_cast<float>(whole[j]) * (args.row_scales[row] * args.column_scales[first + j]);
      }
      store_sums(args, row, first, sums);
    }
  }
}

// Of one row and a group of 4-bit weights: adds the whole sums, each times its column's factor.
void add_group(const int16_t* a, const int8_t* factors, const uint8_t* weights, int32_t* whole) {
  constexpr int kGroup = 32;
  for (int j = 0; j < kPanelWidth; ++j) {
    int32_t sum = 0;
    for (int k = 0; k < kGroup; ++k) {
      const int bits = weights[k / 2 * kPanelWidth + j] >> (k % 2 * 4) & 15;
      sum += a[k] * (bits < 8 ? bits : bits - 16);
    }
    whole[j] += sum * factors[j];
  }
}

void gemm_int4(const GemmLowArgs& args) noexcept {
  constexpr int kGroup = 32;
  const int groups = (args.k + kGroup - 1) / kGroup;
  const ptrdiff_t factor_bytes = (static_cast<ptrdiff_t>(groups) * kPanelWidth + 63) / 64 * 64;
  const ptrdiff_t panel_bytes = factor_bytes + static_cast<ptrdiff_t>(groups) * kPanelWidth * kGroup / 2;
  for (int row = 0; row < args.m; ++row) {
    const int16_t* a = static_cast<const int16_t*>(args.a) + row * args.lda;
    for (int first = 0; first < args.n; first += kPanelWidth) {
      const int8_t* factors = static_cast<const int8_t*>(args.b) + first / kPanelWidth * panel_bytes;
      const auto* weights = reinterpret_cast<const uint8_t*>(factors + factor_bytes);
      int32_t whole[kPanelWidth] = {};
      for (int group = 0; group < groups; ++group) {
        add_group(a + group * kGroup, factors + group * kPanelWidth, weights + group * kPanelWidth * kGroup / 2, whole);
      }
      float sums[kPanelWidth];
      for (int j = 0; j < kPanelWidth; ++j) {
        sums[j] = static_cast<float>(whole[j]) * (args.row_scales[row] * args.column_scales[first + j]);
      }
      store_sums(args, row, first, sums);
    }
  }
}

void layer_norm_f32(const LayerNormF32Args& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    float* out = args.out + row * args.ldo;
    float mean = 0;
    for (int i = 0; i < args.n; ++i) mean += x[i];
    mean /= static_cast<float>(args.n);
    float variance = 0;
    for (int i = 0; i < args.n; ++i) variance += (x[i] - mean) * (x[i] - mean);
    variance /= static_cast<float>(args.n);
    const float scale = 1.0F / std::sqrt(variance + args.epsilon);
    for (int i = 0; i < args.n; ++i) out[i] = (x[i] - mean) * scale * args.gamma[i] + args.beta[i];
  }
}

void layer_norm_bf16(const LayerNormF32Args& norm, const PrepareArgs& args) noexcept {
  layer_norm_f32(norm);
  prepare_bf16(args);
}

void layer_norm_int8(const LayerNormF32Args& norm, const PrepareArgs& args) noexcept {
  layer_norm_f32(norm);
  prepare_int8(args);
}

void rms_norm_f32(const RmsNormF32Args& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.ldx;
    float* out = args.out + row * args.ldo;
    float squares = 0;
    for (int i = 0; i < args.n; ++i) squares += x[i] * x[i];
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(args.n) + args.epsilon);
    for (int i = 0; i < args.n; ++i) out[i] = x[i] * scale * args.gamma[i];
  }
}

// scratch: the scores of one query.
size_t attention_f32_scratch(int tokens, int, const int32_t*) noexcept {
  return static_cast<size_t>(tokens);
}

// Element `d` of row `row` of a table in panels of `depth` rows.
float in_panels(const void* panels, int depth, int row, int d) {
  return static_cast<const float*>(
      panels)[static_cast<ptrdiff_t>(row / kPanelWidth) * kPanelWidth * depth + d * kPanelWidth + row % kPanelWidth];
}

float attention_score(const AttentionArgs& args, int i, int j) {
  const float* q = args.q + i * args.ld;
  const float* k = args.k + j * args.ld;
  const RelativePositions& relative = args.relative;
  float score = 0;
  for (int d = 0; d < args.head_dim; ++d) score += q[d] * k[d];
  if (args.distance_bias != nullptr) score += args.distance_bias[j - i];
  if (relative.keys != nullptr) {
    const int position = relative.index[j - i];
    for (int d = 0; d < args.head_dim; ++d) score += q[d] * in_panels(relative.keys, args.head_dim, position, d);
  }
  if (relative.queries != nullptr) {
    const int position = relative.index[j - i];
    for (int d = 0; d < args.head_dim; ++d) score += in_panels(relative.queries, args.head_dim, position, d) * k[d];
  }
  return score;
}

void attention_f32(const AttentionArgs& args) noexcept {
  float* scores = args.scratch;
  const int queries = args.queries > 0 ? args.queries : args.tokens;
  for (int i = 0; i < queries; ++i) {
    const int begin = i > args.window ? i - args.window : 0;
    const int end = args.tokens - 1 - i > args.window ? i + args.window + 1 : args.tokens;
    float highest = -INFINITY;
    for (int j = begin; j < end; ++j) {
      scores[j] = attention_score(args, i, j) * args.scale;
      highest = std::fmax(highest, scores[j]);
    }
    float sum = 0;
    for (int j = begin; j < end; ++j) {
      scores[j] = std::exp(scores[j] - highest);
      sum += scores[j];
    }
    float* out = args.out + i * args.ldo;
    for (int d = 0; d < args.head_dim; ++d) out[d] = 0;
    for (int j = begin; j < end; ++j) {
      for (int d = 0; d < args.head_dim; ++d) out[d] += scores[j] * args.v[j * args.ld + d];
    }
    for (int d = 0; d < args.head_dim; ++d) out[d] /= sum;
  }
}

void cached_attention_f32(const CachedAttentionF32Args& args) noexcept {
  float* scores = args.scratch;
  for (int i = 0; i < args.queries; ++i) {
    const int visible = args.keys < args.first_visible + i ? args.keys : args.first_visible + i;
    const float* q = args.q + i * args.ldq;
    float highest = -INFINITY;
    for (int j = 0; j < visible; ++j) {
      float score = 0;
      for (int d = 0; d < args.head_dim; ++d) score += q[d] * args.k[j * args.ld + d];
      score *= args.scale;
      if (args.distance_bias != nullptr) score += args.distance_bias[j - (visible - 1)];
      scores[j] = score;
      highest = std::fmax(highest, score);
    }
    float sum = 0;
    for (int j = 0; j < visible; ++j) {
      scores[j] = std::exp(scores[j] - highest);
      sum += scores[j];
    }
    float* out = args.out + i * args.ldo;
    for (int d = 0; d < args.head_dim; ++d) out[d] = 0;
    for (int j = 0; j < visible; ++j) {
      const float share = scores[j] / sum;
      for (int d = 0; d < args.head_dim; ++d) out[d] += share * args.v[j * args.ld + d];
    }
  }
}

void add_f32(const float* x, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] += x[i];
}

void multiply_f32(const float* x, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] *= x[i];
}

void scale_f32(float factor, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] *= factor;
}

float dot_f32(const float* x, const float* y, size_t n) noexcept {
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

bool all_finite_f32(const float* x, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return false;
  }
  return true;
}

}  // namespace

const KernelTable kernel_table_generic = {
    .name = "generic",
    .f32_panel_width = kPanelWidth,
    .has_fast_bf16 = false,
    .full_rows = 1,
    .gemm_f32 = gemm_f32,
    .bf16 =
        {.depth = 1, .activation_bytes = 4, .prepare = prepare_bf16, .layer_norm = layer_norm_bf16, .gemm = gemm_bf16},
    .int8 =
        {.depth = 1, .activation_bytes = 2, .prepare = prepare_int8, .layer_norm = layer_norm_int8, .gemm = gemm_int8},
    .int4 =
        {.depth = 1, .activation_bytes = 2, .prepare = prepare_int8, .layer_norm = layer_norm_int8, .gemm = gemm_int4},
    .layer_norm_f32 = layer_norm_f32,
    .rms_norm_f32 = rms_norm_f32,
    .attention_f32 = {.run = attention_f32, .scratch = attention_f32_scratch},
    .attention_bf16 = {},
    .cached_attention_f32 = cached_attention_f32,
    .add_f32 = add_f32,
    .multiply_f32 = multiply_f32,
    .scale_f32 = scale_f32,
    .dot_f32 = dot_f32,
    .all_finite_f32 = all_finite_f32,
};

}  // namespace vivace
