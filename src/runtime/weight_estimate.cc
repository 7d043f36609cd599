#include "runtime/weight_estimate.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "formats/weights.h"
#include "kernels/registry.h"
#include "models/encoder_decoder.h"
#include "models/load_target.h"
#include "models/outlier_inputs.h"
#include "onnx/onnx_file.h"
#include "ops/linear.h"

namespace vivace {
namespace {

constexpr size_t kSmallTables = size_t{64} << 10;   // that models make of others: buckets of distances
constexpr int64_t kLargestSide = int64_t{1} << 30;  // of a matrix that any of our models has

struct Layouts {
  PanelLayout layers;
  PanelLayout decoder_layers;
  PanelLayout coarse;  // of the copy of the output matrix by which the highest logits are found
  PanelLayout exact;   // of heads and what else is fp32 in any model
};

Layouts layouts_for(const LoadTarget& target) {
  const bool is_int4 = target.precision == Precision::kInt4;
  return {.layers = panel_layout(target.kernels, is_int4 ? Precision::kInt8 : target.precision),
          .decoder_layers = panel_layout(target.kernels, target.precision),
          .coarse = panel_layout(target.kernels, Precision::kInt8),
          .exact = panel_layout(target.kernels, Precision::kF32)};
}

size_t packed_bytes(int64_t inputs, int64_t outputs, const PanelLayout& layout) {
  if (inputs > kLargestSide || outputs > kLargestSide) {
    return static_cast<size_t>(inputs) * static_cast<size_t>(outputs) * sizeof(float);
  }
  // Some are cut into two layers, each of which ends with a whole panel.
  const int columns = static_cast<int>(outputs) + layout.width;
  size_t bytes = PackedMatrix::data_bytes(static_cast<int>(inputs), columns, layout);
  if (!layout.is_quantized()) return bytes;
  constexpr size_t kBytesOfAColumn = sizeof(float) + sizeof(int32_t) + kMostOutlierInputs * sizeof(float);
  return bytes + PackedMatrix::column_entries(columns, layout) * kBytesOfAColumn +
         2 * kMostOutlierInputs * sizeof(int32_t);
}

// "encoder.layer.3.output.dense.weight": whatever the architecture, its layers have numbers, and nothing else has.
bool is_of_a_layer(std::string_view name) {
  if (name.find("relative_attention_bias") != std::string_view::npos) return false;  // T5 keeps it in its first layer
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('.'));
    if (!part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; })) return true;
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  return false;
}

// Where int4 is used: not where a decoder reads the source, which is as the encoder's layers.
bool is_of_a_decoder(std::string_view name) {
  return name.find("decoder.block.") != std::string_view::npos &&
         name.find("EncDecAttention") == std::string_view::npos;
}

const PanelLayout& layout_of(std::string_view name, int64_t inputs, const Layouts& layouts) {
  if (!is_of_a_layer(name)) return layouts.exact;
  return is_of_a_decoder(name) && inputs <= kMaxFourBitDepth ? layouts.decoder_layers : layouts.layers;
}

size_t tensor_bytes(std::string_view name, const Shape& shape, const Layouts& layouts) {
  switch (shape.rank()) {
    case 2: return packed_bytes(shape[1], shape[0], layout_of(name, shape[1], layouts));
    case 3:  // a convolution [outputs, inputs of a group, taps]: a matrix over all inputs of all taps
      return packed_bytes(shape[0] * shape[2], shape[0], layouts.layers);
    default: return 2 * static_cast<size_t>(shape.elements()) * sizeof(float);  // a norm without bias gets zeros for it
  }
}

// The matrix of word scores where the checkpoint has only the table of words that it is made of, and of what writes the
// copy of that matrix in int8, with two norms of each word.
size_t output_bytes(const ModelDirectory& model, const TensorMap& tensors, const Layouts& layouts) {
  const bool writes = writes_text(model);
  if (!writes && model.task().task != ModelTask::kMaskedLanguageModel) return 0;
  const int64_t words = model.config().integer_or("vocab_size", 0, 0, kLargestSide).value_or(0);
  const auto is_table = [&](const auto& entry) {
    return entry.second.shape.rank() == 2 && entry.second.shape[0] == words;
  };
  const auto table = std::ranges::find_if(tensors, is_table);
  if (table == tensors.end()) return 0;
  const int64_t inputs = table->second.shape[1];
  const bool has_copy = writes && !layouts.layers.is_quantized();
  const size_t norms = 2 * static_cast<size_t>(words) * sizeof(float);
  const size_t copy = has_copy ? packed_bytes(inputs, words, layouts.coarse) + norms : 0;
  const bool shares_table = writes && layouts.layers.dtype == DType::kF32;  // one serves for both
  if (shares_table || std::ranges::count_if(tensors, is_table) > 1) return copy;
  return copy + packed_bytes(inputs, words, writes ? layouts.layers : layouts.exact);
}

// DeBERTa's table of relative positions, as keys and as queries of each layer.
size_t position_bytes(const ModelDirectory& model, const TensorMap& tensors, const Layouts& layouts) {
  const auto table =
      std::ranges::find_if(tensors, [](const auto& entry) { return entry.first.ends_with("rel_embeddings.weight"); });
  if (table == tensors.end() || table->second.shape.rank() != 2) return 0;
  const int64_t layers = model.config().integer_or("num_hidden_layers", 0, 0, 1 << 16).value_or(0);
  const Shape& shape = table->second.shape;
  return static_cast<size_t>(layers) * 2 * packed_bytes(shape[1], shape[0], layouts.exact);
}

size_t dense_bytes(const ModelDirectory& model, const Layouts& layouts) {
  size_t bytes = 0;
  if (!model.sentence_embedding()) return bytes;
  for (const DenseModule& dense : model.sentence_embedding()->dense) {
    bytes +=
        packed_bytes(dense.inputs, dense.outputs, layouts.exact) + static_cast<size_t>(dense.outputs) * sizeof(float);
  }
  return bytes;
}

Result<size_t> onnx_bytes(const std::string& directory, size_t more) {
  const auto file = find_onnx_file(directory);
  if (!file) return error(StatusCode::kNotFound, directory + ": has neither safetensors nor an ONNX file");
  ASSIGN_OR_RETURN(const OnnxFileFacts facts, read_onnx_file(directory, *file));
  return 2 * facts.file_bytes + more;  // the file's tensors, and the same laid out for the engine
}

}  // namespace

Result<size_t> estimate_weight_bytes(const ModelDirectory& model, const EngineOptions& options) {
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const TargetChoice choice, consider_targets(model, *kernels, options.precision));
  const LoadTarget& target = choice.target;
  const Layouts layouts = layouts_for(target);
  const size_t made = dense_bytes(model, layouts) + kSmallTables;
  if (target.packed != nullptr) {
    return target.packed->bytes() + position_bytes(model, target.packed->tensors(), layouts) + made;
  }
  const std::string& directory = model.path();
  if (!WeightFiles::exist(directory)) return onnx_bytes(directory, made);
  const auto files = WeightFiles::open(directory);
  if (!files && find_onnx_file(directory)) return onnx_bytes(directory, made);  // which is loaded in their place
  if (!files) return std::unexpected(files.error());
  size_t bytes =
      made + position_bytes(model, files->tensors(), layouts) + output_bytes(model, files->tensors(), layouts);
  for (const auto& [name, tensor] : files->tensors()) bytes += tensor_bytes(name, tensor.shape, layouts);
  return bytes;
}

}  // namespace vivace
