#include "engine/loaded_model.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"
#include "engine/computing_model.h"
#include "formats/weights.h"
#include "heads/encoder_model.h"
#include "kernels/registry.h"
#include "models/load_target.h"
#include "onnx/onnx_file.h"
#include "onnx/onnx_model.h"

namespace vivace {
namespace {

int smallest_limit(const ModelDirectory& directory, const EncoderInfo& encoder) {
  int limit = encoder.max_tokens;
  if (directory.tokenizer_max_tokens()) limit = std::min(limit, *directory.tokenizer_max_tokens());
  return limit;
}

// What sentence-transformers' do_lower_case asks for, which is done where the tokenizer does it.
Result<void> check_lower_case(const ModelDirectory& directory, const Tokenizer& tokenizer) {
  if (!directory.tokenizer().lowercases) return {};
  constexpr std::string_view kLetters[] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"};
  for (size_t i = 0; i < kLetters[0].size(); ++i) {
    TokenSequence upper;
    TokenSequence lower;
    RETURN_IF_ERROR(tokenizer.encode(kLetters[0].substr(i, 1), {}, &upper));
    RETURN_IF_ERROR(tokenizer.encode(kLetters[1].substr(i, 1), {}, &lower));
    if (upper.ids == lower.ids) continue;
    return error(StatusCode::kUnsupported,
                 directory.path() +
                     ": do_lower_case in sentence_bert_config.json is only supported where the "
                     "tokenizer lowers the case by itself, as its normalizer could");
  }
  return {};
}

TruncationSide truncation_side(const TokenizerFacts& facts, const Tokenizer& tokenizer) {
  if (!facts.truncation_side) return tokenizer.traits().truncation_side;
  return *facts.truncation_side == "left" ? TruncationSide::kLeft : TruncationSide::kRight;
}

// The token that the configuration names, or the usual one.
std::string special_token(const Tokenizer& tokenizer, const std::string& named,
                          std::initializer_list<std::string_view> usual) {
  if (!named.empty() && tokenizer.token_id(named)) return named;
  for (const std::string_view token : usual) {
    if (tokenizer.token_id(token)) return std::string(token);
  }
  return {};
}

Result<std::vector<DenseLayer>> load_dense_layers(const SentenceEmbeddingConfig& sentence, int hidden_size,
                                                  const KernelTable& kernels) {
  std::vector<DenseLayer> layers;
  int size = hidden_size * static_cast<int>(sentence.pooling.size());
  for (const DenseModule& module : sentence.dense) {
    if (module.inputs != size) {
      return error(StatusCode::kCorruptFile, module.directory + "/config.json: in_features is " +
                                                 std::to_string(module.inputs) + ", the vector before it has " +
                                                 std::to_string(size) + " values");
    }
    size = module.outputs;
    ASSIGN_OR_RETURN(DenseLayer layer, load_dense_layer(module, kernels));
    layers.push_back(std::move(layer));
  }
  return layers;
}

Result<void> check_labels(const LoadedModel& model, const std::string& path) {
  for (const ModelOutput output : {ModelOutput::kSequenceLogits, ModelOutput::kTokenLogits}) {
    const auto columns = static_cast<size_t>(model.model->columns(output));
    if (columns == 0 || columns == model.task.labels.size()) continue;
    return error(StatusCode::kCorruptFile, path + ": config.json names " + std::to_string(model.task.labels.size()) +
                                               " labels, the model gives " + std::to_string(columns) + " scores");
  }
  return {};
}

std::string purpose(const LoadedModel& model) {
  std::string text = "it is for " + std::string(model_task_name(model.task.task));
  if (model.task.labels.empty()) return text;
  text += " with the labels ";
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < std::min(model.task.labels.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + model.task.labels[i];
  }
  return text + (model.task.labels.size() > kShown ? ", …" : "");
}

ModelSources sources_of(const ModelDirectory& directory, const LoadTarget& target) {
  if (target.packed != nullptr) return {.weights = true, .onnx_file = false};
  return {.weights = WeightFiles::exist(directory.path()), .onnx_file = find_onnx_file(directory.path()).has_value()};
}

// Weights that are damaged, or that our own kernels cannot compute; not a machine that is out of memory.
bool cannot_be_used(const Status& problem) {
  return problem.code == StatusCode::kCorruptFile || problem.code == StatusCode::kUnsupported;
}

Result<ComputingModel> load_onnx(const ModelDirectory& directory, int threads) {
  ASSIGN_OR_RETURN(auto model, load_onnx_model(directory, {.file = {}, .threads = threads}));
  return ComputingModel{.model = std::move(model), .is_onnx = true, .fallback = {}};
}

}  // namespace

int LoadedModel::embedding_size(std::optional<PoolingMode> pooling) const {
  const int hidden = model->info().hidden_size;
  if (pooling == PoolingMode::kNone) return hidden;
  const int vector = model->columns(ModelOutput::kSequenceVector);
  const int size = !dense.empty()        ? dense.back().layer.weight.n()
                   : pooling.has_value() ? hidden
                   : vector > 0          ? vector
                                         : hidden * static_cast<int>(sentence.pooling.size());
  return std::min(size, sentence.truncate_dim.value_or(size));
}

ModelSources find_model_sources(const std::string& path, const std::string& isa, Precision precision) {
  const auto kernels = select_kernel_table(isa);
  const auto directory = ModelDirectory::open(path);
  if (!kernels || !directory) return {};
  const auto choice = consider_targets(*directory, **kernels, precision);
  return choice ? sources_of(*directory, choice->target) : ModelSources();
}

Result<ComputingModel> load_computing_model(const ModelDirectory& directory, const LoadTarget& target, int threads) {
  const ModelSources sources = sources_of(directory, target);
  if (!sources.weights && sources.onnx_file) {
    log_info("{} has no safetensors: computing its ONNX file", directory.path());
    return load_onnx(directory, threads);
  }
  auto model = load_encoder_model(directory, target);
  if (model) return ComputingModel{.model = std::move(*model), .is_onnx = false, .fallback = {}};
  Status problem = std::move(model).error();
  if (!sources.onnx_file || !cannot_be_used(problem)) return std::unexpected(std::move(problem));
  auto other = load_onnx(directory, threads);
  if (!other) {
    problem.message += "; nor can its ONNX file be used: " + other.error().message;
    return std::unexpected(std::move(problem));
  }
  log_warning("{}; computing the ONNX file of {} in its place", problem.message, directory.path());
  other->fallback = std::move(problem.message);
  return other;
}

Result<LoadedModel> load_model(const ModelDirectory& directory, const LoadTarget& target, int threads) {
  LoadedModel model;
  // Beside each other: a vocabulary takes as long as the weights of a small model.
  auto tokenizer = std::async(
      std::launch::async, [&directory] { return Tokenizer::from_directory(directory.path(), directory.model_type()); });
  Result<ComputingModel> computing = load_computing_model(directory, target, threads);
  if (!computing) return std::unexpected(std::move(computing).error());
  ASSIGN_OR_RETURN(model.tokenizer, tokenizer.get());
  model.model = std::move(computing->model);
  model.is_onnx = computing->is_onnx;
  model.fallback = std::move(computing->fallback);
  const EncoderInfo& encoder = model.model->info();
  if (model.tokenizer->vocabulary_size() > static_cast<size_t>(encoder.vocabulary_size)) {
    return error(StatusCode::kCorruptFile, directory.path() + ": the tokenizer has ids up to " +
                                               std::to_string(model.tokenizer->vocabulary_size() - 1) +
                                               ", the model only embeds " + std::to_string(encoder.vocabulary_size) +
                                               " ids");
  }
  RETURN_IF_ERROR(check_lower_case(directory, *model.tokenizer));
  model.task = directory.task();
  RETURN_IF_ERROR(check_labels(model, directory.path()));
  model.sentence = directory.sentence_embedding().value_or(SentenceEmbeddingConfig{});
  ASSIGN_OR_RETURN(model.dense, load_dense_layers(model.sentence, encoder.hidden_size, target.kernels));
  model.kernels = &target.kernels;
  model.precision = resolve_precision(target.kernels, target.precision);
  model.max_tokens = smallest_limit(directory, encoder);
  model.gives_type_ids = directory.tokenizer().gives_type_ids;
  model.truncation_side = truncation_side(directory.tokenizer(), *model.tokenizer);
  model.mask_token = special_token(*model.tokenizer, directory.mask_token(), {"[MASK]", "<mask>"});
  model.mask_id = model.tokenizer->token_id(model.mask_token).value_or(-1);
  const std::string unknown = special_token(*model.tokenizer, directory.unknown_token(), {"[UNK]", "<unk>"});
  model.unknown_id = model.tokenizer->token_id(unknown).value_or(-1);
  return model;
}

Result<void> require_output(const LoadedModel& model, ModelOutput output, std::string_view wanted) {
  if (model.model->columns(output) > 0) return {};
  return error(StatusCode::kUnsupported, "the model cannot " + std::string(wanted) + ": " + purpose(model));
}

}  // namespace vivace
