#include "cli/model_bench.h"

#include <algorithm>
#include <memory>
#include <random>

#include "base/cpu_topology.h"
#include "base/thread_pool.h"
#include "cli/output_file.h"
#include "cli/pass_work.h"
#include "engine/computing_model.h"
#include "engine/machine_probe.h"
#include "formats/model_directory.h"
#include "heads/generation.h"
#include "kernels/registry.h"
#include "models/encoder_decoder.h"
#include "telemetry/trace.h"

namespace vivace {
namespace {

constexpr int kMaxBatchTokens = 1 << 20;
constexpr int kTracedRuns = 3;
constexpr int kUsualTokens = 128;

// The machine as every kind of model finds it.
struct Bench {
  const ModelBenchOptions& options;
  const KernelTable& kernels;
  ThreadPool pool;
  MachineProbe probe;
  ForwardWorkspace workspace;

  Bench(const ModelBenchOptions& options_in, const KernelTable& table)
      : options(options_in),
        kernels(table),
        pool(options.threads > 0 ? options.threads : read_cpu_limits().usable_threads()),
        probe(kernels, pool),
        workspace(pool.threads()) {}
};

PackedBatch random_batch(const std::vector<int>& lengths, int vocabulary_size) {
  std::mt19937 random(42);  // the same ids in every run
  std::uniform_int_distribution<int32_t> any_id(0, vocabulary_size - 1);
  PackedBatch batch;
  std::vector<int32_t> ids;
  for (const int length : lengths) {
    ids.resize(static_cast<size_t>(length));
    std::ranges::generate(ids, [&] { return any_id(random); });
    batch.marked.push_back(batch.tokens());
    batch.append(ids, {});
  }
  return batch;
}

std::vector<int> lengths_of(const ModelBenchOptions& options, int longest) {
  if (!options.lengths.empty()) return options.lengths;
  const int tokens = options.tokens > 0 ? options.tokens : std::min(kUsualTokens, longest);
  return std::vector<int>(static_cast<size_t>(options.batch), tokens);
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

// What the model was made for: logits where it has a head.
ModelOutput main_output(const Model& model) {
  for (const ModelOutput output : {ModelOutput::kSequenceLogits, ModelOutput::kTokenLogits, ModelOutput::kMarkedLogits,
                                   ModelOutput::kSequenceVector}) {
    if (model.columns(output) > 0) return output;
  }
  return ModelOutput::kHiddenStates;
}

Result<void> write_trace(const std::string& path, const std::function<Result<void>()>& run) {
  ASSIGN_OR_RETURN(OutputFile file, OutputFile::open(path, OutputFile::Existing::kOverwrite));
  start_trace();
  Result<void> done;
  for (int i = 0; i < kTracedRuns && done; ++i) done = run();
  const Trace trace = stop_trace();
  RETURN_IF_ERROR(done);
  RETURN_IF_ERROR(file.write(to_chrome_json(trace) + "\n"));
  return file.flush();
}

double weight_bytes(const PassWork& work, Precision precision) {
  const double others = work.weights - work.in_int8;
  switch (precision) {
    case Precision::kInt4: return work.weights - work.in_int4 + work.in_int4 * (4 + 8.0 / 32) / 8;
    case Precision::kInt8: return work.weights;
    case Precision::kBf16: return 2 * others + work.in_int8;
    default: return 4 * others + work.in_int8;
  }
}

// A pass takes at least as long as the slower of arithmetic and memory.
void add_floor(const PassWork& work, ModelBenchResult* result) {
  const double arithmetic = work.operations / (result->peak_gflops * 1e6);
  const double reading = weight_bytes(work, result->precision) / (result->read_gb_per_s * 1e6);
  result->arithmetic_ms += arithmetic;
  result->reading_ms += reading;
  result->floor_ms += std::max(arithmetic, reading);
}

Result<ModelBenchResult> measure(Bench& bench, Precision precision, const PassWork& largest,
                                 const std::function<Result<void>()>& run) {
  ModelBenchResult result;
  ASSIGN_OR_RETURN(result.times, time_runs(bench.options.seconds, run));
  if (!bench.options.trace_file.empty()) RETURN_IF_ERROR(write_trace(bench.options.trace_file, run));
  result.precision = precision;
  result.peak_gflops = bench.probe.operations_per_s(precision) / 1e9;
  result.read_gb_per_s = bench.probe.read_bytes_per_s(static_cast<size_t>(weight_bytes(largest, precision))) / 1e9;
  result.threads = bench.pool.threads();
  result.isa = bench.kernels.name;
  return result;
}

Result<ModelBenchResult> bench_forward(Bench& bench, const ModelDirectory& directory) {
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(directory, bench.kernels, bench.options.precision));
  ASSIGN_OR_RETURN(const ComputingModel loaded, load_computing_model(directory, target, bench.pool.threads()));
  const Model& model = *loaded.model;
  const std::vector<int> lengths = lengths_of(bench.options, model.info().max_tokens);
  RETURN_IF_ERROR(check_lengths(lengths, model.info().max_tokens));
  const PackedBatch batch = random_batch(lengths, model.info().vocabulary_size);
  const ModelOutput output = main_output(model);
  const PassWork work = encoder_work(model.info(), lengths);
  const Precision precision = loaded.is_onnx ? Precision::kF32 : target.precision;
  ASSIGN_OR_RETURN(ModelBenchResult result, measure(bench, precision, work, [&]() -> Result<void> {
                     RETURN_IF_ERROR(model.run(batch, output, bench.pool, bench.workspace));
                     return {};
                   }));
  if (loaded.is_onnx) result.isa = "onnx";
  result.tokens_per_s = batch.tokens() / result.times.p50_ms * 1e3;
  add_floor(work, &result);
  return result;
}

Result<ModelBenchResult> bench_generation(Bench& bench, const ModelDirectory& directory) {
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(directory, bench.kernels, bench.options.precision));
  ASSIGN_OR_RETURN(const std::unique_ptr<const EncoderDecoder> model, load_encoder_decoder(directory, target));
  const EncoderDecoderInfo& info = model->info();
  const std::vector<int> lengths = lengths_of(bench.options, info.encoder.max_tokens);
  RETURN_IF_ERROR(check_lengths(lengths, info.encoder.max_tokens));
  ASSIGN_OR_RETURN(GenerationTokens tokens, read_generation_tokens(directory, info.encoder.vocabulary_size));
  tokens.ends.clear();  // exactly as many tokens as were asked for
  // Random ids lead models to repeat themselves; guessing that would say little about texts.
  const GenerationOptions generation{.max_new_tokens = bench.options.generate, .speculate = false};
  RETURN_IF_ERROR(check_generation_options(generation, info.max_target_tokens));
  const PackedBatch batch = random_batch(lengths, info.encoder.vocabulary_size);
  const ExecutionContext context{&bench.kernels, &bench.pool, bench.workspace.arenas()};
  const int source_tokens = batch.tokens();
  const PassWork last_step = decoder_step_work(info, source_tokens, bench.options.generate - 1);
  ASSIGN_OR_RETURN(
      ModelBenchResult result, measure(bench, target.precision, last_step, [&]() -> Result<void> {
        for (Arena& arena : bench.workspace.arenas()) arena.reset();
        const auto sources = model->encode(
            context,
            {.ids = batch.ids, .positions = batch.positions, .type_ids = batch.type_ids, .offsets = batch.offsets},
            nullptr);
        const auto written = generate({.model = *model,
                                       .source = sources.front(),
                                       .source_ids = batch.ids,
                                       .tokens = tokens,
                                       .options = generation,
                                       .hooks = {}},
                                      context);
        CHECK(static_cast<int>(written.front().ids.size()) == bench.options.generate);
        return {};
      }));
  result.tokens_per_s = bench.options.generate / result.times.p50_ms * 1e3;
  add_floor(source_work(info, source_tokens), &result);
  for (int i = 0; i < bench.options.generate; ++i) add_floor(decoder_step_work(info, source_tokens, i), &result);
  return result;
}

}  // namespace

Result<ModelBenchResult> bench_model(const ModelBenchOptions& options) {
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(options.directory));
  Bench bench(options, *kernels);
  return options.generate > 0 ? bench_generation(bench, directory) : bench_forward(bench, directory);
}

}  // namespace vivace
