#include "engine/machine_probe.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "ops/linear.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kProbeSeconds = 0.1;
constexpr int kCallsPerLook = 200;
constexpr size_t kMaxReadBytes = size_t{256} << 20;
constexpr size_t kBytesOfALook = size_t{64} << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Calls the product again and again until the time is up; operations a second of the fastest look.
double best_rate(double operations, const std::function<void()>& product) {
  double best = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < kProbeSeconds) {
    const auto begin = Clock::now();
    for (int call = 0; call < kCallsPerLook; ++call) product();
    best = std::max(best, operations * kCallsPerLook / seconds_since(begin));
  }
  return best;
}

struct ProductShape {
  int rows;
  int depth;
};

// Products in fp32 and below, of one panel of weights, whose operands fit the first cache. A table is fastest at one or
// the other.
constexpr ProductShape kShapesF32[] = {{24, 128}, {12, 256}};
constexpr ProductShape kShapesLow[] = {{24, 128}, {24, 256}, {12, 512}, {32, 384}};

PackedMatrix panel_of_weights(const KernelTable& kernels, Precision precision, int depth) {
  const PanelLayout layout = panel_layout(kernels, precision);
  PackedMatrix weights(depth, layout.width, layout);
  const std::vector<float> values(static_cast<size_t>(depth * layout.width), 0.25F);
  weights.pack_rows(values.data(), layout.width, 0);
  return weights;
}

// Operations a second of one thread.
double product_rate_f32(const KernelTable& kernels, ProductShape shape) {
  const PackedMatrix weights = panel_of_weights(kernels, Precision::kF32, shape.depth);
  const int columns = weights.n();
  const std::vector<float> a(static_cast<size_t>(shape.rows * shape.depth), 0.5F);
  AlignedBuffer<float> c(static_cast<size_t>(shape.rows * columns));
  const GemmF32Args args{.a = a.data(),
                         .lda = shape.depth,
                         .b = weights.panel(0),
                         .c = c.data(),
                         .ldc = columns,
                         .m = shape.rows,
                         .n = columns,
                         .k = shape.depth};
  return best_rate(2.0 * shape.rows * columns * shape.depth, [&] { kernels.gemm_f32(args); });
}

// The same in less than fp32, on rows that are prepared already.
double product_rate_low(const KernelTable& kernels, Precision precision, ProductShape shape) {
  const LowPrecisionKernels& low = precision == Precision::kBf16 ? kernels.bf16 : kernels.int8;
  const PackedMatrix weights = panel_of_weights(kernels, precision, shape.depth);
  const int columns = weights.n();
  const auto rows = static_cast<size_t>(shape.rows);
  const std::vector<float> x(rows * static_cast<size_t>(shape.depth), 0.5F);
  static_assert(kShapesLow[0].depth % kPreparedPadding == 0);
  AlignedBuffer<std::byte> prepared(x.size() * static_cast<size_t>(low.activation_bytes));
  AlignedBuffer<float> scales(rows);
  AlignedBuffer<int32_t> zeros(rows);
  low.prepare({.x = x.data(),
               .ldx = shape.depth,
               .out = prepared.data(),
               .ldo = shape.depth,
               .scales = scales.data(),
               .zeros = zeros.data(),
               .rows = shape.rows,
               .k = shape.depth});
  AlignedBuffer<float> c(rows * static_cast<size_t>(columns));
  const GemmLowArgs args{.a = prepared.data(),
                         .lda = shape.depth,
                         .b = weights.panel_data(0),
                         .row_scales = scales.data(),
                         .row_zeros = zeros.data(),
                         .column_scales = weights.scales(),
                         .column_offsets = weights.offsets(),
                         .c = c.data(),
                         .ldc = columns,
                         .m = shape.rows,
                         .n = columns,
                         .k = shape.depth};
  return best_rate(2.0 * shape.rows * columns * shape.depth, [&] { low.gemm(args); });
}

// Eight sums, so that adding never waits for an earlier addition.
uint64_t read_all(std::span<const uint64_t> words) {
  constexpr size_t kSums = 8;
  uint64_t sums[kSums] = {};
  for (size_t i = 0; i + kSums <= words.size(); i += kSums) {
    for (size_t k = 0; k < kSums; ++k) sums[k] += words[i + k];
  }
  return std::accumulate(std::begin(sums), std::end(sums), uint64_t{0});
}

}  // namespace

double MachineProbe::operations_per_s(Precision precision) {
  precision = resolve_precision(m_kernels, precision);
  if (precision == Precision::kInt4) precision = Precision::kInt8;  // whose multiplications it does
  double& known = m_operations[precision];
  if (known > 0) return known;
  const bool is_f32 = precision == Precision::kF32;
  for (const ProductShape shape : is_f32 ? std::span<const ProductShape>(kShapesF32) : kShapesLow) {
    std::vector<double> rates(static_cast<size_t>(m_pool.threads()));
    m_pool.run([&](int part) {
      rates[static_cast<size_t>(part)] =
          is_f32 ? product_rate_f32(m_kernels, shape) : product_rate_low(m_kernels, precision, shape);
    });
    known = std::max(known, std::accumulate(rates.begin(), rates.end(), 0.0));
  }
  return known;
}

double MachineProbe::read_bytes_per_s(size_t bytes) {
  bytes = std::clamp(bytes, size_t{1} << 16, kMaxReadBytes);
  double& known = m_read_bytes[bytes];
  if (known > 0) return known;
  const auto threads = static_cast<size_t>(m_pool.threads());
  const size_t words_each = bytes / sizeof(uint64_t) / threads;
  AlignedBuffer<uint64_t> words(words_each * threads);
  const auto part_of = [&](int part) {
    return std::span(words.data(), words.size()).subspan(static_cast<size_t>(part) * words_each, words_each);
  };
  // A page that was never written is not memory yet.
  m_pool.run([&](int part) { std::ranges::fill(part_of(part), uint64_t{1}); });
  std::vector<uint64_t> sums(threads);
  const size_t turns = 1 + kBytesOfALook / words.size() / sizeof(uint64_t);
  const auto look_bytes = static_cast<double>(turns * words.size() * sizeof(uint64_t));
  const auto start = Clock::now();
  // All threads by one clock: the best rate of each would be the one that it has while the others are not reading.
  do {
    const auto begin = Clock::now();
    m_pool.run([&](int part) {
      for (size_t turn = 0; turn < turns; ++turn) sums[static_cast<size_t>(part)] += read_all(part_of(part));
    });
    known = std::max(known, look_bytes / seconds_since(begin));
  } while (seconds_since(start) < kProbeSeconds);
  // Whoever is not interested in the sums must not be allowed to leave the reading out.
  const volatile uint64_t keep = std::accumulate(sums.begin(), sums.end(), uint64_t{0});
  (void)keep;
  return known;
}

}  // namespace vivace
