#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/cpu_topology.h"
#include "engine/generator.h"
#include "kernels/registry.h"
#include "ops/linear.h"

namespace vivace {
namespace {

GeneratorInfo describe(const ModelDirectory& directory, const EncoderDecoder& model, const LoadTarget& target,
                       int threads) {
  const KernelTable& kernels = target.kernels;
  const EncoderDecoderInfo& facts = model.info();
  GeneratorInfo info;
  info.decoder_layers = facts.decoder_layers;
  info.max_new_tokens = facts.max_target_tokens - 1;
  info.model.directory = directory.origin();
  info.model.architecture = facts.encoder.architecture;
  info.model.layers = facts.encoder.layers;
  info.model.hidden_size = facts.encoder.hidden_size;
  info.model.heads = facts.encoder.heads;
  info.model.intermediate_size = facts.encoder.intermediate_size;
  info.model.vocabulary_size = facts.encoder.vocabulary_size;
  info.model.max_tokens = facts.encoder.max_tokens;
  if (directory.tokenizer_max_tokens()) {
    info.model.max_tokens = std::min(info.model.max_tokens, *directory.tokenizer_max_tokens());
  }
  info.model.parameters = facts.encoder.parameters;
  info.model.file_bytes = facts.encoder.file_bytes;
  info.model.packed_bytes = facts.encoder.packed_bytes;
  info.model.weights_dtype = facts.encoder.weights_dtype;
  info.model.precision = precision_name(target.precision);
  info.model.isa = kernels.name;
  info.model.isa_notes = explain_other_tables(kernels);
  info.model.threads = threads;
  return info;
}

}  // namespace

Result<std::unique_ptr<Generator>> Generator::load(const std::string& directory, const EngineOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.threads < 0) return error(StatusCode::kInvalidArgument, "threads must be 0 (automatic) or more");
  GeneratorParts parts;
  ASSIGN_OR_RETURN(parts.kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory files, ModelDirectory::open(directory));
  ASSIGN_OR_RETURN(const LoadTarget target, choose_target(files, *parts.kernels, options.precision));
  EngineOptions with_pools = options;
  make_pools(&with_pools);
  parts.pool = with_pools.pool;
  auto tokenizer =
      std::async(std::launch::async, [&files] { return Tokenizer::from_directory(files.path(), files.model_type()); });
  // The weights lie in the memory of the node that they are read on, but for those of a packed file, which is mapped.
  ASSIGN_OR_RETURN(parts.model, run_on(parts.pool->cpus(), [&] { return load_encoder_decoder(files, target); }));
  ASSIGN_OR_RETURN(parts.tokenizer, tokenizer.get());
  const int vocabulary = parts.model->info().encoder.vocabulary_size;
  if (parts.tokenizer->vocabulary_size() > static_cast<size_t>(vocabulary)) {
    return error(StatusCode::kCorruptFile, files.path() + ": the tokenizer has ids up to " +
                                               std::to_string(parts.tokenizer->vocabulary_size() - 1) +
                                               ", the model only embeds " + std::to_string(vocabulary) + " ids");
  }
  ASSIGN_OR_RETURN(parts.tokens, read_generation_tokens(files, vocabulary));
  parts.max_queued = static_cast<size_t>(options.max_queued_texts);
  GeneratorInfo info = describe(files, *parts.model, target, parts.pool->threads());
  info.knows_sentinel = parts.tokenizer->token_id(kGapSentinel).has_value();
  info.model.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return std::make_unique<Generator>(std::move(parts), std::move(info));
}

}  // namespace vivace
