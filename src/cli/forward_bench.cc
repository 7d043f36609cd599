#include "cli/forward_bench.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/cpu_topology.h"
#include "base/thread_pool.h"
#include "formats/model_directory.h"
#include "kernels/registry.h"
#include "models/batch_forward.h"
#include "models/encoder.h"
#include "tensor/aligned_buffer.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxBatchTokens = 1 << 20;
constexpr double kWarmUpSeconds = 0.3;  // caches, page tables and the clock frequency settle
constexpr double kPeakSeconds = 0.2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

PackedBatch random_batch(const std::vector<int>& lengths, int vocabulary_size) {
  std::mt19937 random(42);  // the same ids in every run
  std::uniform_int_distribution<int32_t> any_id(0, vocabulary_size - 1);
  PackedBatch batch;
  std::vector<int32_t> ids;
  for (const int length : lengths) {
    ids.resize(static_cast<size_t>(length));
    std::ranges::generate(ids, [&] { return any_id(random); });
    batch.append(ids, {});
  }
  return batch;
}

Result<void> check_lengths(const std::vector<int>& lengths, int longest) {
  int64_t tokens = 0;
  for (const int length : lengths) {
    if (length < 1 || length > longest) {
      return error(StatusCode::kInvalidArgument, "a sequence of " + std::to_string(length) +
                                                     " tokens is not possible; the model takes 1 to " +
                                                     std::to_string(longest));
    }
    tokens += length;
  }
  if (tokens <= kMaxBatchTokens) return {};
  return error(StatusCode::kInvalidArgument,
               "the batch has more than " + std::to_string(kMaxBatchTokens) + " tokens; make it smaller");
}

// Multiplications and additions of linear layers and attention; the rest is a few percent.
double floating_point_operations(const EncoderInfo& model, const std::vector<int>& lengths) {
  const double h = model.hidden_size;
  const double linear = 2 * (4 * h * h + 2 * h * model.intermediate_size);
  double total = 0;
  for (const int length : lengths) total += length * linear + 4.0 * length * length * h;
  return total * model.layers;
}

// What all threads together reach in the kernel table's matrix product while nothing leaves the first cache.
double measure_peak_flops(const KernelTable& kernels, ThreadPool& pool) {
  constexpr int kRows = 24;
  constexpr int kDepth = 128;
  const int columns = kernels.f32_panel_width;
  std::vector<double> flops(static_cast<size_t>(pool.threads()));
  pool.run([&](int thread) {
    AlignedBuffer<float> a(size_t{kRows} * kDepth);
    AlignedBuffer<float> b(static_cast<size_t>(columns * kDepth));
    AlignedBuffer<float> c(static_cast<size_t>(kRows * columns));
    std::fill_n(a.data(), a.size(), 0.5F);
    std::fill_n(b.data(), b.size(), 0.25F);
    const GemmF32Args args{.a = a.data(),
                           .lda = kDepth,
                           .b = b.data(),
                           .c = c.data(),
                           .ldc = columns,
                           .m = kRows,
                           .n = columns,
                           .k = kDepth};
    constexpr int kCallsPerLook = 200;
    double best = 0;
    const auto start = Clock::now();
    while (seconds_since(start) < kPeakSeconds) {
      const auto begin = Clock::now();
      for (int call = 0; call < kCallsPerLook; ++call) kernels.gemm_f32(args);
      best = std::max(best, 2.0 * kRows * columns * kDepth * kCallsPerLook / seconds_since(begin));
    }
    flops[static_cast<size_t>(thread)] = best;
  });
  double sum = 0;
  for (const double of_thread : flops) sum += of_thread;
  return sum;
}

std::vector<double> time_runs(double seconds, const std::function<void()>& run) {
  const auto warm_up = Clock::now();
  do {
    run();
  } while (seconds_since(warm_up) < std::min(kWarmUpSeconds, seconds));
  std::vector<double> times_ms;
  const auto start = Clock::now();
  while (times_ms.size() < kMinimumRuns || seconds_since(start) < seconds) {
    const auto begin = Clock::now();
    run();
    times_ms.push_back(seconds_since(begin) * 1e3);
  }
  std::ranges::sort(times_ms);
  return times_ms;
}

}  // namespace

double quantile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

Result<ForwardBenchResult> bench_forward(const ForwardBenchOptions& options) {
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(options.directory));
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(directory, *kernels, options.precision));
  ASSIGN_OR_RETURN(const std::unique_ptr<const Encoder> encoder, load_encoder(directory, target));
  const EncoderInfo& model = encoder->info();
  RETURN_IF_ERROR(check_lengths(options.lengths, model.max_tokens));

  ThreadPool pool(options.threads > 0 ? options.threads : read_cpu_limits().usable_threads());
  ForwardWorkspace workspace(pool.threads());
  const PackedBatch batch = random_batch(options.lengths, model.vocabulary_size);
  const std::vector<double> times =
      time_runs(options.seconds, [&] { forward_batch(*encoder, *kernels, batch, pool, workspace); });

  ForwardBenchResult result;
  result.p50_ms = quantile(times, 0.5);
  result.p99_ms = quantile(times, 0.99);
  result.min_ms = times.front();
  result.tokens_per_s = batch.tokens() / result.p50_ms * 1e3;
  const double peak = measure_peak_flops(*kernels, pool);
  result.peak_gflops = peak / 1e9;
  result.floor_ms = floating_point_operations(model, options.lengths) / peak * 1e3;
  result.runs = static_cast<int>(times.size());
  result.threads = pool.threads();
  result.isa = kernels->name;
  result.precision = precision_name(target.precision);
  return result;
}

}  // namespace vivace
