// Matrix products of any shape, place in memory and numbers, on every table: within rounding of the generic table's,
// and the whole numbers of int8 and int4 the very same. Nothing outside the arrays is touched.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/check.h"
#include "fuzzed_tables.h"
#include "kernel_case.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"

namespace vivace {
namespace {

struct Product {
  DType dtype = DType::kF32;
  int m = 0;
  int n = 0;
  int k = 0;
  size_t misalignment = 0;
  Activation activation = Activation::kNone;
  bool residual_in_place = false;
  std::vector<float> x;         // [m][k]
  std::vector<float> weights;   // [n][k]
  std::vector<float> bias;      // [n] or empty
  std::vector<float> residual;  // [m][n] or empty
  std::vector<int32_t> outliers;
};

Product product_of(ByteReader& bytes) {
  constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kI8, DType::kI4};
  constexpr Activation kActivations[] = {Activation::kNone, Activation::kNone, Activation::kGelu, Activation::kGeluTanh,
                                         Activation::kRelu, Activation::kSilu, Activation::kTanh};
  Product p;
  p.dtype = kTypes[bytes.byte() % 4];
  p.m = bytes.between(0, bytes.flag() ? 40 : 8);
  p.n = bytes.between(1, bytes.flag() ? 200 : 70);
  p.k = bytes.between(1, bytes.byte() % 16 == 0 ? 1700 : 150);
  p.misalignment = bytes.byte() % 16;
  p.activation = kActivations[bytes.byte() % std::size(kActivations)];
  const bool has_bias = bytes.flag();
  const bool has_residual = bytes.flag();
  p.residual_in_place = has_residual && bytes.flag();
  const int outliers = p.dtype == DType::kI8 || p.dtype == DType::kI4 ? bytes.byte() % 9 : 0;
  for (int i = 0; i < outliers; ++i) p.outliers.push_back(bytes.between(0, p.k - 1));
  std::ranges::sort(p.outliers);
  p.outliers.erase(std::ranges::unique(p.outliers).begin(), p.outliers.end());
  const auto size = [](int rows, int columns) { return static_cast<size_t>(rows) * static_cast<size_t>(columns); };
  p.x = NumberSource(bytes).take(size(p.m, p.k));
  p.weights = NumberSource(bytes).take(size(p.n, p.k));
  if (has_bias) p.bias = NumberSource(bytes).take(static_cast<size_t>(p.n));
  if (has_residual) p.residual = NumberSource(bytes).take(size(p.m, p.n));
  return p;
}

// Rows as a table prepares them.
struct Rows {
  AlignedBuffer<std::byte> values;
  ptrdiff_t ld = 0;
  std::vector<float> scales;
  std::vector<int32_t> zeros;
  std::vector<float> outliers;
};

Rows prepare(const LowPrecisionKernels& kernels, const Product& p) {
  Rows rows;
  rows.ld = (p.k + kPreparedPadding - 1) / kPreparedPadding * kPreparedPadding;
  const auto m = static_cast<size_t>(p.m);
  rows.values = AlignedBuffer<std::byte>(m * static_cast<size_t>(rows.ld * kernels.activation_bytes));
  std::ranges::fill(std::span(rows.values.data(), rows.values.size()), std::byte{0x5A});
  rows.scales.resize(m);
  rows.zeros.resize(m);
  rows.outliers.resize(m * p.outliers.size());
  const ExactArray<float> x(p.x, p.misalignment);
  kernels.prepare({.x = x.data(),
                   .ldx = p.k,
                   .out = rows.values.data(),
                   .ldo = rows.ld,
                   .scales = rows.scales.data(),
                   .zeros = rows.zeros.data(),
                   .rows = p.m,
                   .k = p.k,
                   .outliers = p.outliers.data(),
                   .outlier_values = rows.outliers.data(),
                   .outlier_count = static_cast<int>(p.outliers.size())});
  return rows;
}

const LowPrecisionKernels& kernels_of(const KernelTable& table, DType dtype) {
  if (dtype == DType::kI4) return table.int4;
  return dtype == DType::kBF16 ? table.bf16 : table.int8;
}

// What stands at a place of a prepared row, whole, without the row's zero.
int whole_at(const LowPrecisionKernels& kernels, const Rows& rows, int row, int i) {
  const std::byte* at = rows.values.data() + (row * rows.ld + i) * kernels.activation_bytes;
  if (kernels.activation_bytes == 1) return static_cast<uint8_t>(*at) - rows.zeros[static_cast<size_t>(row)];
  int16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void check_same_whole_numbers(const KernelTable& table, const Product& p, const Rows& rows, const Rows& expected) {
  CHECK(rows.scales == expected.scales && rows.zeros == expected.zeros && rows.outliers == expected.outliers);
  const LowPrecisionKernels& kernels = kernels_of(table, p.dtype);
  const LowPrecisionKernels& generic = kernels_of(kernel_table_generic, p.dtype);
  for (int row = 0; row < p.m; ++row) {
    for (int i = 0; i < p.k; ++i) {
      if (std::ranges::binary_search(p.outliers, i)) continue;
      CHECK(whole_at(kernels, rows, row, i) == whole_at(generic, expected, row, i));
    }
  }
}

PackedMatrix pack(const KernelTable& table, const Product& p) {
  const int depth = p.dtype == DType::kF32 ? 1 : kernels_of(table, p.dtype).depth;
  PackedMatrix packed(p.k, p.n, {p.dtype, table.f32_panel_width, depth}, p.outliers);
  packed.pack_rows(p.weights.data(), p.n, 0);
  return packed;
}

// The part of GemmF32Args and GemmLowArgs that has the same names.
template <typename Args>
std::vector<float> multiply(const Product& p, Args args, void (*gemm)(const Args&) noexcept) {
  const size_t size = static_cast<size_t>(p.m) * static_cast<size_t>(p.n);
  const ExactArray<float> bias(p.bias, p.misalignment);
  const ExactArray<float> residual(p.residual, p.misalignment);
  ExactArray<float> out(size, p.misalignment);
  if (p.residual_in_place) std::ranges::copy(p.residual, out.data());
  args.c = out.data();
  args.ldc = p.n;
  if (!p.bias.empty()) args.bias = bias.data();
  if (!p.residual.empty()) args.residual = p.residual_in_place ? out.data() : residual.data();
  args.ldr = p.n;
  args.m = p.m;
  args.n = p.n;
  args.k = p.k;
  args.activation = p.activation;
  gemm(args);
  return {out.data(), out.data() + size};
}

std::vector<float> multiply_f32(const KernelTable& table, const Product& p, const PackedMatrix& weights) {
  const ExactArray<float> x(p.x, p.misalignment);
  GemmF32Args args;
  args.a = x.data();
  args.lda = p.k;
  args.b = weights.panel(0);
  return multiply(p, args, table.gemm_f32);
}

std::vector<float> multiply_low(const KernelTable& table, const Product& p, const PackedMatrix& weights,
                                const Rows& rows) {
  GemmLowArgs args;
  args.a = rows.values.data();
  args.lda = rows.ld;
  args.row_scales = rows.scales.data();
  args.row_zeros = rows.zeros.data();
  args.b = weights.panel_data(0);
  args.column_scales = weights.scales();
  args.column_offsets = weights.offsets();
  args.outlier_values = rows.outliers.data();
  args.outlier_weights = weights.outlier_weights();
  args.ldo = static_cast<ptrdiff_t>(weights.panels()) * weights.panel_width();
  args.outlier_count = static_cast<int>(p.outliers.size());
  return multiply(p, args, kernels_of(table, p.dtype).gemm);
}

// What rounding may do to a result: a share of all that was added up, which grows with the root of how many numbers
// that were (Higham, Mary 2019: A New Approach to Probabilistic Rounding Error Analysis). No activation is steeper
// than 1.13.
double rounding(const Product& p, const PackedMatrix& weights, int row, int column) {
  std::vector<float> w(static_cast<size_t>(p.k));
  weights.unpack_row(column, w.data());
  double sum = p.bias.empty() ? 0 : std::fabs(p.bias[static_cast<size_t>(column)]);
  if (!p.residual.empty()) sum += std::fabs(p.residual[static_cast<size_t>(row * p.n + column)]);
  for (int i = 0; i < p.k; ++i) {
    sum += std::fabs(static_cast<double>(p.x[static_cast<size_t>(row * p.k + i)]) *
                     static_cast<double>(w[static_cast<size_t>(i)]));
  }
  constexpr double kRounding = 0x1p-24;  // of one addition
  return (2e-6 + 4 * kRounding * std::sqrt(p.k)) * sum + 2e-6;
}

void check_close(const Product& p, const PackedMatrix& weights, const std::vector<float>& out,
                 const std::vector<float>& expected) {
  for (size_t i = 0; i < out.size(); ++i) {
    CHECK(std::isfinite(out[i]));
    const double distance = std::fabs(static_cast<double>(out[i]) - static_cast<double>(expected[i]));
    if (distance <= 1e-7) continue;  // most are, and rounding() takes its time
    CHECK(distance <= rounding(p, weights, static_cast<int>(i) / p.n, static_cast<int>(i) % p.n));
  }
}

void check_product(const Product& p) {
  const KernelTable& generic = kernel_table_generic;
  const bool is_f32 = p.dtype == DType::kF32;
  const PackedMatrix expected_weights = pack(generic, p);
  const Rows expected_rows = is_f32 ? Rows() : prepare(kernels_of(generic, p.dtype), p);
  const std::vector<float> expected =
      is_f32 ? multiply_f32(generic, p, expected_weights) : multiply_low(generic, p, expected_weights, expected_rows);
  for (const KernelTable* table : fuzzed_tables()) {
    const PackedMatrix weights = pack(*table, p);
    if (is_f32) {
      check_close(p, weights, multiply_f32(*table, p, weights), expected);
      continue;
    }
    const Rows rows = prepare(kernels_of(*table, p.dtype), p);
    if (p.dtype != DType::kBF16) check_same_whole_numbers(*table, p, rows, expected_rows);
    check_close(p, weights, multiply_low(*table, p, weights, rows), expected);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader bytes({data, size});
  check_product(product_of(bytes));
  return 0;
}

}  // namespace vivace
