#include "models/modernbert.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "models/config_reading.h"
#include "models/weight_loading.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/first_tokens.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/multiply.h"
#include "ops/rotary.h"
#include "telemetry/trace.h"

namespace vivace {
namespace {

struct ModernbertConfig {
  int vocabulary_size = 0;
  int hidden_size = 0;
  int layers = 0;
  int heads = 0;
  int intermediate_size = 0;
  int max_tokens = 0;
  int window = 0;           // tokens on each side that a local layer sees
  std::vector<bool> local;  // of each layer
  double global_theta = 0;
  double local_theta = 0;
  double epsilon = 0;
  Activation activation = Activation::kGelu;
  LayerBias norm_bias = LayerBias::kNone;
  LayerBias attention_bias = LayerBias::kNone;
  LayerBias mlp_bias = LayerBias::kNone;
};

Result<LayerBias> read_bias(const JsonValue& config, std::string_view key) {
  ASSIGN_OR_RETURN(const bool present, config.bool_or(key, false));
  return present ? LayerBias::kPresent : LayerBias::kNone;
}

Result<double> check_theta(const JsonValue& config, double theta) {
  if (theta >= 1 && theta <= 1e12) return theta;
  return config.fail("the rotary theta must be from 1 to 1e12");
}

// rope_parameters (new) or the old key; only plain rotary positions.
Result<double> read_theta(const JsonValue& config, std::string_view layer_type, std::string_view old_key,
                          double fallback) {
  ASSIGN_OR_RETURN(double theta, config.double_or(old_key, fallback));
  if (const auto scaling = config.find("rope_scaling"); scaling.has_value()) {
    return error(StatusCode::kUnsupported, config.path() + ": rope_scaling is not supported");
  }
  if (const auto parameters = config.find("rope_parameters"); parameters.has_value()) {
    if (const auto own = parameters->find(layer_type); own.has_value()) {
      RETURN_IF_ERROR(require_value(*own, "rope_type", "default"));
      ASSIGN_OR_RETURN(theta, own->double_or("rope_theta", theta));
    }
  }
  return check_theta(config, theta);
}

Result<std::vector<bool>> read_layer_types(const JsonValue& config, int layers) {
  std::vector<bool> local;
  const auto types = config.find("layer_types");
  if (!types.has_value()) {
    ASSIGN_OR_RETURN(const int64_t every, config.integer_or("global_attn_every_n_layers", 3, 1, kMaxLayers));
    for (int i = 0; i < layers; ++i) local.push_back(i % every != 0);
    return local;
  }
  ASSIGN_OR_RETURN(const auto items, types->as_array(static_cast<size_t>(kMaxLayers)));
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const std::string_view name, item.as_string());
    if (name != "full_attention" && name != "sliding_attention") {
      return error(StatusCode::kUnsupported, types->path() + ": '" + printable(name) +
                                                 "' is not supported; known: full_attention, sliding_attention");
    }
    local.push_back(name == "sliding_attention");
  }
  if (items.size() != static_cast<size_t>(layers)) return types->fail("must name as many layers as num_hidden_layers");
  return local;
}

Result<ModernbertConfig> read_config(const JsonValue& config) {
  ModernbertConfig modernbert;
  ASSIGN_OR_RETURN(modernbert.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(modernbert.hidden_size, read_size(config, "hidden_size", kMaxHiddenSize));
  ASSIGN_OR_RETURN(modernbert.layers, read_size(config, "num_hidden_layers", kMaxLayers));
  ASSIGN_OR_RETURN(modernbert.heads, read_size(config, "num_attention_heads", kMaxHeads));
  ASSIGN_OR_RETURN(modernbert.intermediate_size, read_size(config, "intermediate_size", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(modernbert.max_tokens, read_size(config, "max_position_embeddings", kMaxPositions));
  ASSIGN_OR_RETURN(const int64_t local_attention, config.integer_or("local_attention", 128, 1, kMaxPositions));
  // The newer key, for tokens on each side, comes first in transformers too.
  ASSIGN_OR_RETURN(const int64_t window, config.integer_or("sliding_window", local_attention / 2, 0, kMaxPositions));
  modernbert.window = static_cast<int>(window);
  ASSIGN_OR_RETURN(modernbert.local, read_layer_types(config, modernbert.layers));
  ASSIGN_OR_RETURN(modernbert.global_theta, read_theta(config, "full_attention", "global_rope_theta", 160'000));
  ASSIGN_OR_RETURN(modernbert.local_theta, read_theta(config, "sliding_attention", "local_rope_theta", 10'000));
  ASSIGN_OR_RETURN(modernbert.epsilon, read_epsilon(config, "norm_eps", 1e-5));
  ASSIGN_OR_RETURN(modernbert.activation, read_activation(config, "hidden_activation", "gelu"));
  ASSIGN_OR_RETURN(modernbert.norm_bias, read_bias(config, "norm_bias"));
  ASSIGN_OR_RETURN(modernbert.attention_bias, read_bias(config, "attention_bias"));
  ASSIGN_OR_RETURN(modernbert.mlp_bias, read_bias(config, "mlp_bias"));
  RETURN_IF_ERROR(check_heads(config, modernbert.hidden_size, modernbert.heads, "num_attention_heads"));
  if (modernbert.hidden_size / modernbert.heads % 2 != 0) {
    return config.fail("hidden_size / num_attention_heads must be even for rotary positions");
  }
  return modernbert;
}

struct ModernbertLayer {
  LayerNorm attention_norm;  // of the first layer empty: its input is normalised already
  Linear qkv;
  Linear attention_output;
  LayerNorm mlp_norm;
  Linear input;
  Linear gate;
  Linear output;
};

struct ModernbertWeights {
  AlignedBuffer<float> embeddings;
  LayerNorm embedding_norm;
  std::vector<ModernbertLayer> layers;
  LayerNorm final_norm;
};

ModernbertLayer load_layer(LayerLoader& load, const WeightScope& scope, const ModernbertConfig& config, int index) {
  const int hidden = config.hidden_size;
  const int inner = config.intermediate_size;
  ModernbertLayer layer;
  if (index > 0) {
    layer.attention_norm = load.layer_norm(scope.scope("attn_norm"), hidden, config.epsilon, config.norm_bias);
  }
  layer.qkv = load.linear_rows(scope.scope("attn.Wqkv"), hidden, {3 * hidden, 0, 3 * hidden}, config.attention_bias);
  layer.attention_output = load.linear_rows(scope.scope("attn.Wo"), hidden, {hidden, 0, hidden}, config.attention_bias);
  layer.mlp_norm = load.layer_norm(scope.scope("mlp_norm"), hidden, config.epsilon, config.norm_bias);
  layer.input = load.linear_rows(scope.scope("mlp.Wi"), hidden, {2 * inner, 0, inner}, config.mlp_bias);
  layer.gate = load.linear_rows(scope.scope("mlp.Wi"), hidden, {2 * inner, inner, inner}, config.mlp_bias);
  layer.output = load.linear_rows(scope.scope("mlp.Wo"), inner, {hidden, 0, hidden}, config.mlp_bias);
  return layer;
}

ModernbertWeights load_weights(LayerLoader& load, const WeightScope& root, const ModernbertConfig& config) {
  const WeightScope embeddings = root.scope("embeddings");
  ModernbertWeights weights;
  weights.embeddings = load.table(embeddings, "tok_embeddings.weight", config.vocabulary_size, config.hidden_size);
  weights.embedding_norm =
      load.layer_norm(embeddings.scope("norm"), config.hidden_size, config.epsilon, config.norm_bias);
  for (int i = 0; i < config.layers; ++i) {
    weights.layers.push_back(load_layer(load, root.scope("layers." + std::to_string(i)), config, i));
  }
  weights.final_norm = load.layer_norm(root.scope("final_norm"), config.hidden_size, config.epsilon, config.norm_bias);
  return weights;
}

class ModernbertEncoder final : public Encoder {
 public:
  ModernbertEncoder(EncoderInfo info, ModernbertConfig config, ModernbertWeights weights)
      : m_info(std::move(info)), m_config(std::move(config)), m_weights(std::move(weights)) {}

  const EncoderInfo& info() const override { return m_info; }

  void forward(const ExecutionContext& context, const BatchSlice& batch, MatrixView<float> hidden,
               const LayerObserver* observer) const override {
    CHECK(hidden.rows == batch.tokens() && hidden.columns == m_config.hidden_size);
    Arena& arena = context.scratch[0];
    const Arena::Scope scope(arena);
    const Buffers buffers = make_buffers(arena, batch);
    const EmbeddingLookup words{
        {m_weights.embeddings.data(), m_config.vocabulary_size, m_config.hidden_size, m_config.hidden_size}, batch.ids};
    sum_embeddings(context, std::span(&words, 1), hidden);
    layer_norm(context, hidden, m_weights.embedding_norm, hidden);
    if (observer != nullptr) (*observer)(0, hidden);
    for (int i = 0; i < m_config.layers; ++i) {
      const bool is_last = i + 1 == m_config.layers;
      if (is_last && batch.first_tokens_only && observer == nullptr) {
        run_last_for_first_tokens(context, batch, buffers, hidden);
        return;
      }
      run_attention(context, i, batch, buffers, hidden);
      run_mlp(context, i, buffers, hidden);
      if (is_last) layer_norm(context, hidden, m_weights.final_norm, hidden);
      if (observer != nullptr) (*observer)(i + 1, hidden);
    }
  }

 private:
  struct Buffers {
    MatrixView<float> normal;
    MatrixView<float> qkv;
    MatrixView<float> input;
    MatrixView<float> gate;
    MatrixView<float> global_rotary;
    MatrixView<float> local_rotary;
  };

  Buffers make_buffers(Arena& arena, const BatchSlice& batch) const {
    const int rows = batch.tokens();
    int positions = 0;
    for (const int32_t position : batch.positions) positions = std::max(positions, position + 1);
    const int head_dim = m_config.hidden_size / m_config.heads;
    Buffers buffers{
        .normal = arena.matrix(rows, m_config.hidden_size),
        .qkv = arena.matrix(rows, 3 * m_config.hidden_size),
        .input = arena.matrix(rows, m_config.intermediate_size),
        .gate = arena.matrix(rows, m_config.intermediate_size),
        .global_rotary = arena.matrix(positions, head_dim),
        .local_rotary = arena.matrix(positions, head_dim),
    };
    // For the positions at hand only: the configuration may allow far more than anyone sends.
    rotary_table(m_config.global_theta, buffers.global_rotary);
    rotary_table(m_config.local_theta, buffers.local_rotary);
    return buffers;
  }

  // x ← x + attention(norm(x)).
  void run_attention(const ExecutionContext& context, int index, const BatchSlice& batch, const Buffers& buffers,
                     MatrixView<float> x) const {
    TRACE_ZONE("attention_block");
    const ModernbertLayer& layer = m_weights.layers[static_cast<size_t>(index)];
    linear(context, normalise(context, index, buffers, x), layer.qkv, {}, buffers.qkv);
    rotate(context, rotary(index, buffers), batch.positions, buffers.qkv);
    self_attention(context, buffers.qkv, attention_of(*context.kernels, index, batch), buffers.normal);
    const MatrixView<const float> residual = x;
    linear(context, buffers.normal, layer.attention_output, {.residual = &residual}, x);
  }

  // The last layer and the final norm, where nobody reads more of them than the first row of each sequence.
  void run_last_for_first_tokens(const ExecutionContext& context, const BatchSlice& batch, const Buffers& buffers,
                                 MatrixView<float> x) const {
    TRACE_ZONE("last_layer");
    const int index = m_config.layers - 1;
    const ModernbertLayer& layer = m_weights.layers.back();
    const int sequences = static_cast<int>(batch.offsets.size()) - 1;
    const MatrixView<float> first = context.scratch[0].matrix(sequences, x.columns);
    Buffers few = buffers;
    for (MatrixView<float>* buffer : {&few.normal, &few.input, &few.gate}) *buffer = buffer->slice_rows(0, sequences);
    project_for_first_tokens(context, {.x = normalise(context, index, buffers, x)}, layer.qkv, batch.offsets,
                             buffers.qkv);
    rotate(context, rotary(index, buffers), batch.positions, buffers.qkv);
    SelfAttention attention = attention_of(*context.kernels, index, batch);
    attention.first_tokens_only = true;
    self_attention(context, buffers.qkv, attention, few.normal);
    gather_first_tokens(x, batch.offsets, first);
    const MatrixView<const float> residual = first;
    linear(context, few.normal, layer.attention_output, {.residual = &residual}, first);
    run_mlp(context, index, few, first);
    layer_norm(context, first, m_weights.final_norm, first);
    scatter_first_tokens(first, batch.offsets, x);
  }

  // What a layer's attention reads: the embeddings are normalised already.
  MatrixView<const float> normalise(const ExecutionContext& context, int index, const Buffers& buffers,
                                    MatrixView<const float> x) const {
    if (index == 0) return x;
    layer_norm(context, x, m_weights.layers[static_cast<size_t>(index)].attention_norm, buffers.normal);
    return buffers.normal;
  }

  bool is_local(int index) const { return m_config.local[static_cast<size_t>(index)]; }
  MatrixView<const float> rotary(int index, const Buffers& buffers) const {
    return is_local(index) ? buffers.local_rotary : buffers.global_rotary;
  }
  SelfAttention attention_of(const KernelTable& kernels, int index, const BatchSlice& batch) const {
    const DType weights = m_weights.layers[static_cast<size_t>(index)].qkv.weight.dtype();
    SelfAttention attention{
        .offsets = batch.offsets, .heads = m_config.heads, .dtype = attention_dtype(kernels, weights)};
    if (is_local(index)) attention.window = m_config.window;
    return attention;
  }

  // x ← x + output(activation(input(norm(x))) · gate(norm(x))).
  void run_mlp(const ExecutionContext& context, int index, const Buffers& buffers, MatrixView<float> x) const {
    TRACE_ZONE("feed_forward");
    const ModernbertLayer& layer = m_weights.layers[static_cast<size_t>(index)];
    layer_norm(context, x, layer.mlp_norm, buffers.normal);
    linear(context, buffers.normal, layer.input, {.activation = m_config.activation}, buffers.input);
    linear(context, buffers.normal, layer.gate, {}, buffers.gate);
    multiply(context, buffers.gate, buffers.input);
    const MatrixView<const float> residual = x;
    linear(context, buffers.input, layer.output, {.residual = &residual}, x);
  }

  EncoderInfo m_info;
  ModernbertConfig m_config;
  ModernbertWeights m_weights;
};

}  // namespace

Result<std::unique_ptr<const Encoder>> load_modernbert(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(ModernbertConfig config, read_config(directory.config()));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader loader(files);
  const WeightScope root = loader.root("model");
  // Heads, which do not touch the hidden states.
  for (const char* name : {"head.", "decoder.", "classifier."}) loader.ignore(name);
  LayerLoader load(loader, target, config.hidden_size);
  ModernbertWeights weights = load_weights(load, root, config);
  RETURN_IF_ERROR(loader.finish());
  EncoderInfo info{
      .architecture = "modernbert",
      .layers = config.layers,
      .hidden_size = config.hidden_size,
      .heads = config.heads,
      .intermediate_size = config.intermediate_size,
      .vocabulary_size = config.vocabulary_size,
      .type_vocabulary_size = 0,
      .max_tokens = config.max_tokens,
      .parameters = load.parameters(),
      .file_bytes = files.total_bytes(),
      .packed_bytes = load.packed_bytes(),
      .weights_dtype = std::string(dtype_name(files.tensors().begin()->second.dtype)),
  };
  return std::make_unique<const ModernbertEncoder>(std::move(info), std::move(config), std::move(weights));
}

}  // namespace vivace
