#include "engine/engine.h"

#include <chrono>
#include <future>
#include <utility>

#include "base/cpu_topology.h"
#include "engine/local_engine.h"
#include "kernels/registry.h"

namespace vivace {
namespace {

constexpr int kBatchTokensPerThread = 2048;

ModelInfo describe(const ModelDirectory& directory, const EmbeddingPipeline& pipeline, int threads) {
  const EncoderInfo& encoder = pipeline.encoder().info();
  ModelInfo info;
  info.directory = directory.path();
  info.architecture = encoder.architecture;
  info.layers = encoder.layers;
  info.hidden_size = encoder.hidden_size;
  info.heads = encoder.heads;
  info.intermediate_size = encoder.intermediate_size;
  info.vocabulary_size = encoder.vocabulary_size;
  info.max_tokens = pipeline.max_tokens();
  info.pooling = pipeline.config().pooling;
  info.normalize = pipeline.config().normalize;
  for (const auto& [name, text] : pipeline.config().prompts) info.prompt_names.push_back(name);
  info.parameters = encoder.parameters;
  info.file_bytes = encoder.file_bytes;
  info.packed_bytes = encoder.packed_bytes;
  info.weights_dtype = encoder.weights_dtype;
  info.precision = "fp32";
  info.isa = pipeline.kernels().name;
  info.isa_notes = explain_other_tables(pipeline.kernels());
  info.threads = threads;
  return info;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const std::string& directory, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads < 0) return error(StatusCode::kInvalidArgument, "threads must be 0 (automatic) or more");
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  ASSIGN_OR_RETURN(EmbeddingPipeline pipeline, EmbeddingPipeline::load(model, *kernels));
  LocalEngineSettings settings;
  settings.pool = options.pool;
  if (settings.pool == nullptr) {
    const int threads = options.threads > 0 ? options.threads : read_cpu_limits().usable_threads();
    settings.pool = std::make_shared<ThreadPool>(threads);
  }
  const int threads = settings.pool->threads();
  settings.max_batch_tokens =
      static_cast<size_t>(options.max_batch_tokens > 0 ? options.max_batch_tokens : kBatchTokensPerThread * threads);
  settings.max_queued_texts = static_cast<size_t>(options.max_queued_texts);
  ModelInfo info = describe(model, pipeline, threads);
  info.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return std::make_unique<LocalEngine>(std::move(pipeline), std::move(info), std::move(settings));
}

Result<EmbedResponse> Engine::embed(EmbedRequest request) {
  // Shared: the engine's thread may still be inside set_value() when the waiting one returns.
  const auto promise = std::make_shared<std::promise<Result<EmbedResponse>>>();
  auto future = promise->get_future();
  submit(std::move(request), [promise](Result<EmbedResponse> result) { promise->set_value(std::move(result)); });
  return future.get();
}

}  // namespace vivace
