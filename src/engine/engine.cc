#include "engine/engine.h"

#include <chrono>
#include <utility>

#include "base/cpu_topology.h"
#include "engine/local_engine.h"
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
  for (const PoolingMode mode : loaded.sentence.pooling) {
    info.pooling += (info.pooling.empty() ? "" : "+") + std::string(pooling_mode_name(mode));
  }
  info.normalize = loaded.sentence.normalize;
  for (const auto& [name, text] : loaded.sentence.prompts) info.prompt_names.push_back(name);
  info.parameters = encoder.parameters;
  info.file_bytes = encoder.file_bytes;
  info.packed_bytes = encoder.packed_bytes;
  for (const DenseLayer& dense : loaded.dense) info.packed_bytes += dense.layer.bytes();
  info.weights_dtype = encoder.weights_dtype;
  if (loaded.is_onnx) {
    info.precision = "as the ONNX file says";
    info.isa = "openvino";
  } else {
    info.precision = precision_name(loaded.precision);
    info.isa = loaded.kernels->name;
    info.isa_notes = explain_other_tables(*loaded.kernels);
  }
  info.threads = threads;
  return info;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const std::string& directory, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads < 0) return error(StatusCode::kInvalidArgument, "threads must be 0 (automatic) or more");
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  LocalEngineSettings settings;
  settings.pool = options.pool;
  if (settings.pool == nullptr) {
    const int threads = options.threads > 0 ? options.threads : read_cpu_limits().usable_threads();
    settings.pool = std::make_shared<ThreadPool>(threads);
  }
  const int threads = settings.pool->threads();
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(model, *kernels, options.precision));
  ASSIGN_OR_RETURN(LoadedModel loaded, load_model(model, target, threads));
  settings.max_batch_tokens =
      static_cast<size_t>(options.max_batch_tokens > 0 ? options.max_batch_tokens : kBatchTokensPerThread * threads);
  settings.max_queued_texts = static_cast<size_t>(options.max_queued_texts);
  ModelInfo info = describe(model, loaded, threads);
  info.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return std::make_unique<LocalEngine>(std::move(loaded), std::move(info), std::move(settings));
}

}  // namespace vivace
