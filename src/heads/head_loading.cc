#include "heads/head_loading.h"

#include <utility>

#include "base/utf8.h"
#include "heads/head_layout.h"

namespace vivace {
namespace {

using HeadReader = Result<HeadLayout> (*)(ModelTask, const JsonValue&);

// model_type of config.json → layout of its heads, one a line.
constexpr std::pair<std::string_view, HeadReader> kFamilies[] = {
    {"bert", bert_head},
    {"distilbert", distilbert_head},
    {"roberta", roberta_head},
    {"xlm-roberta", roberta_head},
    {"camembert", roberta_head},
    {"mpnet", mpnet_head},
    {"deberta-v2", deberta_v2_head},
    {"modernbert", modernbert_head},
};

Result<HeadLayout> read_layout(const ModelDirectory& directory) {
  for (const auto& [name, read] : kFamilies) {
    if (name == directory.model_type()) return read(directory.task().task, directory.config());
  }
  return error(StatusCode::kUnsupported, directory.path() + ": heads of model_type '" +
                                             printable(directory.model_type()) + "' are not supported");
}

// Told before the weights are read: "has shape [5, 32], expected [3, 32]" would leave the reader to find out why.
Result<void> check_label_count(const ModelDirectory& directory, const WeightFiles& files, const HeadLayout& layout) {
  const auto& labels = directory.task().labels;
  const auto found = files.tensors().find(layout.output + ".weight");
  if (labels.empty() || found == files.tensors().end() || found->second.shape.rank() != 2) return {};
  const int64_t rows = found->second.shape[0];
  if (rows == static_cast<int64_t>(labels.size())) return {};
  return error(StatusCode::kCorruptFile, directory.path() + ": config.json names " + std::to_string(labels.size()) +
                                             " labels, but the head's '" + layout.output + ".weight' has " +
                                             std::to_string(rows) + " rows");
}

struct OutputNames {
  std::string weight;
  std::string bias;  // empty: none
  bool is_tied = false;
};

Result<OutputNames> output_names(const ModelDirectory& directory, const WeightScope& root, const HeadLayout& layout) {
  OutputNames names{.weight = layout.output + ".weight", .bias = layout.output + ".bias"};
  const bool has_own = !layout.output.empty() && root.has(names.weight);
  if (!has_own && !layout.word_embeddings.empty()) {
    ASSIGN_OR_RETURN(const bool tied, directory.config().bool_or("tie_word_embeddings", true));
    if ((!tied && !layout.output.empty()) || !root.has(layout.word_embeddings)) {
      return error(StatusCode::kCorruptFile,
                   directory.path() + ": the masked language model has no output weights: '" + names.weight +
                       "' is missing and " +
                       (tied ? "so is '" + layout.word_embeddings + "'" : "tie_word_embeddings is false"));
    }
    names.weight = layout.word_embeddings;
    names.is_tied = true;
  }
  if (layout.output_has_bias == LayerBias::kNone) {
    names.bias.clear();
  } else if (!layout.output_bias.empty() && (layout.output.empty() || !root.has(names.bias))) {
    names.bias = layout.output_bias;
  }
  return names;
}

std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::kNone: return "no activation";
    case Activation::kGelu: return "gelu";
    case Activation::kGeluTanh: return "gelu_tanh";
    case Activation::kRelu: return "relu";
    case Activation::kSilu: return "silu";
    case Activation::kTanh: return "tanh";
  }
  return "?";
}

std::string describe(const HeadLayout& layout, const OutputNames& names) {
  std::string text;
  switch (layout.tokens) {
    case HeadTokens::kEach: text = "each token"; break;
    case HeadTokens::kMarked: text = "each mask"; break;
    case HeadTokens::kFirst: text = "first token"; break;
    case HeadTokens::kMean: text = "mean of the tokens"; break;
  }
  if (!layout.dense.empty()) {
    text += ", " + layout.dense + ", " + std::string(activation_name(layout.activation));
    if (!layout.norm.empty()) text += ", " + layout.norm;
  }
  return text + ", " + (names.is_tied ? "word embeddings" : layout.output);
}

Linear load_dense(LayerLoader& load, const WeightScope& root, const HeadLayout& layout, int hidden) {
  return load.linear_rows(root.scope(layout.dense), hidden, {.rows = hidden, .first = 0, .outputs = hidden},
                          layout.dense_bias);
}

}  // namespace

Result<LoadedHead> load_head(const ModelDirectory& directory, const EncoderInfo& encoder, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const HeadLayout layout, read_layout(directory));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  RETURN_IF_ERROR(check_label_count(directory, files, layout));
  WeightLoader loader(files);
  loader.ignore("");  // what is not the head's is the encoder's business
  LayerLoader load(loader, target.in_fp32());
  const WeightScope root = loader.root();
  ASSIGN_OR_RETURN(const OutputNames names, output_names(directory, root, layout));

  LoadedHead loaded;
  loaded.head.tokens = layout.tokens;
  loaded.head.activation = layout.activation;
  const int hidden = encoder.hidden_size;
  if (!layout.dense.empty()) loaded.head.dense = load_dense(load, root, layout, hidden);
  if (!layout.norm.empty()) {
    loaded.head.norm = load.layer_norm(root.scope(layout.norm), hidden, layout.epsilon, layout.norm_bias);
  }
  const bool fills_masks = layout.tokens == HeadTokens::kMarked;
  const int outputs = fills_masks ? encoder.vocabulary_size : static_cast<int>(directory.task().labels.size());
  loaded.head.output = load.named_linear(root, {.weight = names.weight, .bias = names.bias}, hidden, outputs);
  RETURN_IF_ERROR(loader.finish());
  loaded.description = describe(layout, names);
  loaded.parameters = load.parameters();
  if (names.is_tied) loaded.parameters -= static_cast<size_t>(hidden) * static_cast<size_t>(outputs);
  loaded.packed_bytes = load.packed_bytes();
  return loaded;
}

}  // namespace vivace
