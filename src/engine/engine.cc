#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/cpu_topology.h"
#include "base/log.h"
#include "engine/local_engine.h"
#include "engine/replicated_engine.h"
#include "kernels/registry.h"

namespace vivace {
namespace {

constexpr int kBatchTokensPerThread = 2048;

ModelInfo describe(const ModelDirectory& directory, const LoadedModel& loaded, int threads) {
  const EncoderInfo& encoder = loaded.model->info();
  ModelInfo info;
  info.directory = directory.origin();
  info.architecture = encoder.architecture;
  info.layers = encoder.layers;
  info.hidden_size = encoder.hidden_size;
  info.heads = encoder.heads;
  info.intermediate_size = encoder.intermediate_size;
  info.vocabulary_size = encoder.vocabulary_size;
  info.max_tokens = loaded.max_tokens;
  info.task = loaded.task.task;
  info.labels = loaded.task.labels;
  info.activation = loaded.task.activation;
  info.head = encoder.head;
  info.mask_token = loaded.mask_token;
  info.embedding_size = loaded.embedding_size();
  info.pooled_size = loaded.embedding_size(PoolingMode::kMean);
  for (const PoolingMode mode : loaded.sentence.pooling) {
    info.pooling += (info.pooling.empty() ? "" : "+") + std::string(pooling_mode_name(mode));
  }
  info.normalize = loaded.sentence.normalize;
  for (const auto& [name, text] : loaded.sentence.prompts) info.prompt_names.push_back(name);
  info.prompts = loaded.sentence.prompts;
  info.parameters = encoder.parameters;
  info.file_bytes = encoder.file_bytes;
  info.packed_bytes = encoder.packed_bytes;
  for (const DenseLayer& dense : loaded.dense) info.packed_bytes += dense.layer.bytes();
  info.weights_dtype = encoder.weights_dtype;
  if (loaded.is_onnx) {
    info.precision = "as the ONNX file says";
    info.isa = "openvino";
    info.is_onnx = true;
    info.fallback = loaded.fallback;
  } else {
    info.precision = precision_name(loaded.precision);
    info.isa = loaded.kernels->name;
    info.isa_notes = explain_other_tables(*loaded.kernels);
  }
  info.threads = threads;
  return info;
}

// What all replicas of a model are loaded from.
struct Source {
  const ModelDirectory& model;
  const LoadTarget& target;
  const EngineOptions& options;
  std::chrono::steady_clock::time_point start;
};

Result<std::unique_ptr<Engine>> load_once(const Source& source, LocalEngineSettings settings) {
  const int threads = settings.pool->threads();
  ASSIGN_OR_RETURN(LoadedModel loaded, load_model(source.model, source.target, threads));
  const int batch_tokens = source.options.max_batch_tokens;
  settings.max_batch_tokens = static_cast<size_t>(batch_tokens > 0 ? batch_tokens : kBatchTokensPerThread * threads);
  ModelInfo info = describe(source.model, loaded, threads);
  info.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - source.start).count();
  return std::make_unique<LocalEngine>(std::move(loaded), std::move(info), std::move(settings));
}

// With the weights in the memory of the pool's node: who touches them first is there. A mapped file's pages lie where
// somebody read them once, so they are copied.
Result<std::unique_ptr<Engine>> load_replica(const Source& source, const LocalEngineSettings& settings) {
  return run_on(settings.pool->cpus(), [&]() -> Result<std::unique_ptr<Engine>> {
    LoadTarget target = source.target;
    if (target.packed != nullptr) {
      ASSIGN_OR_RETURN(target.packed, target.packed->copy());
    }
    return load_once({source.model, target, source.options, source.start}, settings);
  });
}

// One on each pool.
Result<std::unique_ptr<Engine>> load_replicas(const Source& source, LocalEngineSettings settings,
                                              const std::vector<std::shared_ptr<ThreadPool>>& pools) {
  log_info("{} is loaded {} times, once for each NUMA node", source.model.origin(), pools.size());
  std::vector<std::unique_ptr<Engine>> engines;
  for (const auto& pool : pools) {
    settings.pool = pool;
    ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, load_replica(source, settings));
    engines.push_back(std::move(engine));
  }
  return std::make_unique<ReplicatedEngine>(std::move(engines));
}

}  // namespace

void make_pools(EngineOptions* options) {
  if (options->pool != nullptr) return;
  for (ThreadGroup& group : group_threads(read_cpu_limits(), options->threads)) {
    auto pool = std::make_shared<ThreadPool>(group.threads, std::move(group.cpus));
    if (options->pool == nullptr) {
      options->pool = std::move(pool);
    } else {
      options->further_pools.push_back(std::move(pool));
    }
  }
}

Result<std::unique_ptr<Engine>> Engine::load(const std::string& directory, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads < 0) return error(StatusCode::kInvalidArgument, "threads must be 0 (automatic) or more");
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  EngineOptions with_pools = options;
  make_pools(&with_pools);
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(model, *kernels, options.precision));
  const Source source{model, target, options, start};
  std::vector<std::shared_ptr<ThreadPool>> pools = {with_pools.pool};
  std::ranges::copy(with_pools.further_pools, std::back_inserter(pools));
  LocalEngineSettings settings;
  settings.pool = pools.front();
  settings.stats = std::make_shared<EngineStats>();
  settings.max_queued_texts = (static_cast<size_t>(options.max_queued_texts) + pools.size() - 1) / pools.size();
  if (pools.size() == 1) return load_once(source, std::move(settings));
  return load_replicas(source, std::move(settings), pools);
}

}  // namespace vivace
