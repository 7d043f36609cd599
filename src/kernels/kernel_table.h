// The inner loops of Vivace as one table of functions for each instruction set.
//
// Kernels see raw pointers, never allocate, never fail and never throw: shapes are checked, memory is laid out and work
// is split in ops/. All sums run in an order that depends on the shapes of one row or one sequence alone, so a token's
// result is the same bits whatever stands beside it in the batch and however many threads share the work.
// Arrays that a kernel reads and writes must not overlap unless its comment says so.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vivace {

enum class Activation : uint8_t {
  kNone,
  kGelu,      // x·Φ(x) with the exact normal distribution (erf form)
  kGeluTanh,  // x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))
  kRelu,      // max(x, 0)
  kSilu,      // x / (1 + exp(-x))
  kTanh,
};

// c[m][n] = activation(a[m][k] · b + bias) + residual, for row-major a and c with row strides lda and ldc.
// b holds the weights in panels (see tensor/packed_matrix.h): panel_width columns each, k rows of panel_width floats,
// 64-byte aligned, columns past n filled with zeros.
struct GemmF32Args {
  const float* a = nullptr;
  ptrdiff_t lda = 0;
  const float* b = nullptr;
  float* c = nullptr;
  ptrdiff_t ldc = 0;
  const float* bias = nullptr;      // [n], or nullptr
  const float* residual = nullptr;  // [m][n] with row stride ldr, or nullptr; may be c itself
  ptrdiff_t ldr = 0;
  int m = 0;
  int n = 0;
  int k = 0;
  Activation activation = Activation::kNone;
};

// Rows of activations in the form in which a product of less than fp32 reads them:
//   bf16  rounded to the nearest bf16 (ties to even), as bf16 or as fp32 of that value;
//   int8  q = round(x · 255 / (highest - lowest)) of each row, which is taken to reach 0, as q or as q + zero, with the
//         row's scale (highest - lowest) / 255 and zero = -q(lowest): 256 steps for what the row has, wherever it lies.
// A row has k values; what is written behind them, up to a multiple of kPreparedPadding, means zero.
// A few values of int8's rows may stand aside, the outliers: they are copied as they are and do not count for lowest
// and highest. What is written in their places means nothing: the weights there are to be zeros.
constexpr int kPreparedPadding = 64;
struct PrepareArgs {
  const float* x = nullptr;
  ptrdiff_t ldx = 0;
  void* out = nullptr;       // [rows][ldo], 64-byte aligned
  ptrdiff_t ldo = 0;         // in values: at least k rounded up to kPreparedPadding
  float* scales = nullptr;   // int8: [rows]
  int32_t* zeros = nullptr;  // int8: [rows]
  int rows = 0;
  int k = 0;
  const int32_t* outliers = nullptr;  // int8: [outlier_count] places in a row, ascending
  float* outlier_values = nullptr;    // int8: [rows][outlier_count]
  int outlier_count = 0;
};

// The product of GemmF32Args on prepared rows: sums of bf16 products in fp32, or exact sums of whole numbers (at most
// kMaxIntegerDepth of them, so that 32 bits hold them) times the scales of row and column, to which the products of the
// outliers are added in fp32, from the first to the last, before the activation. The panels hold, for each `depth`
// inputs from first to last, those of the first column, of the second, …
constexpr int kMaxIntegerDepth = 1 << 16;
constexpr int kMaxFourBitDepth = 1 << 13;
struct GemmLowArgs {
  const void* a = nullptr;  // rows as PrepareArgs::out
  ptrdiff_t lda = 0;        // in values
  const void* b = nullptr;
  const float* row_scales = nullptr;        // int8: [m]
  const int32_t* row_zeros = nullptr;       // int8: [m]
  const float* column_scales = nullptr;     // int8: [n rounded up to whole panels]
  const int32_t* column_offsets = nullptr;  // int8: the same, minus the sum of a column's weights
  const float* outlier_values = nullptr;    // int8: [m][outlier_count]
  const float* outlier_weights = nullptr;   // int8: [outlier_count][n rounded up to whole panels], row stride ldo
  ptrdiff_t ldo = 0;
  int outlier_count = 0;
  float* c = nullptr;
  ptrdiff_t ldc = 0;
  const float* bias = nullptr;
  const float* residual = nullptr;
  ptrdiff_t ldr = 0;
  int m = 0;
  int n = 0;
  int k = 0;
  Activation activation = Activation::kNone;
};

// out[r] = (x[r] - mean(x[r])) / sqrt(var(x[r]) + epsilon) · gamma + beta for each of `rows` rows of n values
// (Ba, Kiros, Hinton: Layer Normalization). out may be x.
struct LayerNormF32Args {
  const float* x = nullptr;
  ptrdiff_t ldx = 0;
  float* out = nullptr;
  ptrdiff_t ldo = 0;
  const float* gamma = nullptr;  // [n]
  const float* beta = nullptr;   // [n]
  float epsilon = 0;
  int rows = 0;
  int n = 0;
};

// What a table computes a precision below fp32 with. Panels are as wide as those of fp32.
struct LowPrecisionKernels {
  int depth;             // inputs of a column that stand side by side in a panel
  int activation_bytes;  // of one prepared value
  void (*prepare)(const PrepareArgs& args) noexcept;
  // layer_norm_f32() and prepare() of what it writes, args.x being norm.out: the same values in one pass.
  void (*layer_norm)(const LayerNormF32Args& norm, const PrepareArgs& args) noexcept;
  void (*gemm)(const GemmLowArgs& args) noexcept;
};

// out[r] = x[r] / sqrt(mean(x[r]²) + epsilon) · gamma (Zhang, Sennrich: Root Mean Square Layer Normalization). out may
// be x.
struct RmsNormF32Args {
  const float* x = nullptr;
  ptrdiff_t ldx = 0;
  float* out = nullptr;
  ptrdiff_t ldo = 0;
  const float* gamma = nullptr;  // [n]
  float epsilon = 0;
  int rows = 0;
  int n = 0;
};

// Tables by the distance j - i of two tokens are read up to this many entries past the largest distance; those of
// positions also before the smallest.
constexpr int kDistancePadding = 16;
// A window that no sequence is longer than.
constexpr int kUnlimitedWindow = INT32_MAX;
// Queries whose scores are held at a time.
constexpr int kQueryBlock = 24;  // four full tiles

// Disentangled attention's terms of position (He et al. 2021, DeBERTa, eq. 4), for one head: the score of query i and
// key j gains q[i]·keys[p] + queries[p]·k[j], where p = index[j - i]. Either table may be missing.
struct RelativePositions {
  const void* keys = nullptr;     // [positions][head_dim] in panels, as GemmF32Args::b, or in bf16 as GemmLowArgs::b
  const void* queries = nullptr;  // the same
  // Points at distance 0, monotone, from -(tokens - 1) - kDistancePadding to tokens - 1 + kDistancePadding; nullptr: no
  // such terms.
  const int32_t* index = nullptr;
};

// One head of scaled dot-product attention within one sequence (Vaswani et al., eq. 1):
// out[i] = Σ_j softmax_j(scale · score(i, j)) · v[j] over the keys with |j - i| ≤ window, where score(i, j) is
// q[i]·k[j] + distance_bias[j - i] + the terms of RelativePositions. q, k, v and out have `tokens` rows of head_dim
// values.
struct AttentionArgs {
  const float* q = nullptr;
  const float* k = nullptr;
  const float* v = nullptr;
  ptrdiff_t ld = 0;  // row stride of q, k and v
  float* out = nullptr;
  ptrdiff_t ldo = 0;
  float scale = 1;
  int tokens = 0;
  int queries = 0;  // that are computed, from the first token on; 0: of all tokens
  int head_dim = 0;
  int window = kUnlimitedWindow;
  // Points at distance 0, from -(tokens - 1) to tokens - 1 + kDistancePadding; or nullptr.
  const float* distance_bias = nullptr;
  RelativePositions relative;
  float* scratch = nullptr;  // as many floats as AttentionKernels::scratch tells, 64-byte aligned
};

// Floats that the scores of cached attention need past the number of keys.
constexpr int kScorePadding = 16;

// One head of attention over keys and values that were computed earlier, for a few queries: query i sees the keys
// 0 … visible(i) - 1 with visible(i) = min(keys, first_visible + i), and out[i] = Σ_j softmax_j(scale · q[i]·k[j] +
// distance_bias[j - (visible(i) - 1)]) · v[j]. A query's result does not depend on the others.
struct CachedAttentionF32Args {
  const float* q = nullptr;  // [queries][head_dim]
  ptrdiff_t ldq = 0;
  const float* k = nullptr;  // [keys][head_dim]
  const float* v = nullptr;
  ptrdiff_t ld = 0;  // row stride of k and v
  float* out = nullptr;
  ptrdiff_t ldo = 0;
  float scale = 1;
  int queries = 0;
  int keys = 0;
  int first_visible = 0;  // ≥ 1
  int head_dim = 0;
  const float* distance_bias = nullptr;  // points at distance 0, from -(keys - 1) to 0; or nullptr
  float* scratch = nullptr;              // keys + kScorePadding floats
};

struct AttentionKernels {
  void (*run)(const AttentionArgs& args) noexcept;
  // Floats that attention among at most so many tokens needs; index: as RelativePositions'.
  size_t (*scratch)(int tokens, int head_dim, const int32_t* index) noexcept;
};

struct KernelTable {
  const char* name;
  int f32_panel_width;  // columns of a panel of packed weights
  bool has_fast_bf16;   // the CPU multiplies bf16 faster than fp32
  int full_rows;        // a product below fp32 takes nearly as long for fewer rows, with weights in the cache

  void (*gemm_f32)(const GemmF32Args& args) noexcept;
  LowPrecisionKernels bf16;
  LowPrecisionKernels int8;
  // Rows as int8's. A weight is the column's scale, times the factor of its group of 32 inputs, times -8 … 7: see
  // tensor/four_bit_panel.h. At most kMaxFourBitDepth inputs, so that 32 bits hold the sums.
  LowPrecisionKernels int4;
  void (*layer_norm_f32)(const LayerNormF32Args& args) noexcept;
  void (*rms_norm_f32)(const RmsNormF32Args& args) noexcept;
  AttentionKernels attention_f32;
  // Products of operands rounded to bf16, q, k, v and positions as well as the shares of the values; sums and softmax
  // in fp32. Null without has_fast_bf16.
  AttentionKernels attention_bf16;
  void (*cached_attention_f32)(const CachedAttentionF32Args& args) noexcept;
  void (*add_f32)(const float* x, float* y, size_t n) noexcept;       // y += x
  void (*multiply_f32)(const float* x, float* y, size_t n) noexcept;  // y *= x
  void (*scale_f32)(float factor, float* y, size_t n) noexcept;       // y *= factor
  float (*dot_f32)(const float* x, const float* y, size_t n) noexcept;
  bool (*all_finite_f32)(const float* x, size_t n) noexcept;
};

// One for each instruction set; only kernels/registry.cc names them.
extern const KernelTable kernel_table_generic;
extern const KernelTable kernel_table_avx2;
extern const KernelTable kernel_table_avx2_vnni;
extern const KernelTable kernel_table_avx512;
extern const KernelTable kernel_table_avx512_vnni;
extern const KernelTable kernel_table_avx512_vnni_bf16;
extern const KernelTable kernel_table_avx512_amx;

}  // namespace vivace
