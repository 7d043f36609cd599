#include "models/deberta_v2.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_topology.h"
#include "models/deberta_v2_config.h"

namespace vivace {
namespace {

constexpr PostNormNames kNames{
    .qkv = {"attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj"},
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .intermediate = "intermediate.dense",
    .output = "output.dense",
    .output_norm = "output.LayerNorm",
};

struct DebertaV2Layer {
  PostNormLayer layer;
  RelativePositionTables positions;
};

struct DebertaV2Weights {
  EmbeddingLayer embeddings;
  std::vector<DebertaV2Layer> layers;
  std::optional<ConvolutionLayer> convolution;
  std::vector<int32_t> position_index;  // empty: no terms of position
};

// What is needed only until the positions have been projected.
struct PositionWeights {
  AlignedBuffer<float> embeddings;  // [2 · span, hidden]
  LayerNorm norm;
  struct Projections {
    Linear key;
    Linear query;
  };
  std::vector<Projections> layers;  // empty members where the layer's own projections serve, or nothing asks
};

DebertaV2Weights load_weights(LayerLoader& load, const WeightScope& root, const DebertaV2Config& config) {
  DebertaV2Weights weights{.embeddings = load_embedding_layer(load, root.scope("embeddings"), config.embeddings),
                           .layers = {},
                           .convolution = {},
                           .position_index = {}};
  for (int i = 0; i < config.layers; ++i) {
    const WeightScope layer = root.scope("encoder.layer." + std::to_string(i));
    weights.layers.push_back({load_post_norm_layer(load, layer, kNames, config.layer), {}});
  }
  if (config.convolution.has_value()) {
    weights.convolution = load_convolution_layer(load, root.scope("encoder.conv"), *config.convolution);
  }
  return weights;
}

PositionWeights load_positions(LayerLoader& load, const WeightScope& encoder, const DebertaV2Config& config) {
  PositionWeights positions;
  const int hidden = config.layer.hidden_size;
  LayerLoader once = load.in_fp32();  // counts bytes that do not stay
  if (config.normalised_positions) {
    positions.norm = once.layer_norm(encoder.scope("LayerNorm"), hidden, config.layer.epsilon);
  }
  if (config.relative) {
    positions.embeddings = once.table(encoder, "rel_embeddings.weight", 2 * config.buckets.span, hidden);
  }
  load.count_parameters(once.parameters());
  if (!config.relative) return positions;
  for (int i = 0; i < config.layers; ++i) {
    const WeightScope attention = encoder.scope("layer." + std::to_string(i) + ".attention.self");
    PositionWeights::Projections& own = positions.layers.emplace_back();
    // In fp32 whatever the layers' own precision: the table is projected only once.
    LayerLoader exact = load.in_fp32();
    if (config.shared_projections) {
      if (load.is_fp32()) continue;  // the layer's own will do
      own.key = exact.linear(attention, {"key_proj"}, hidden, hidden);
      own.query = exact.linear(attention, {"query_proj"}, hidden, hidden);
      continue;
    }
    if (config.content_to_position) own.key = exact.linear(attention, {"pos_key_proj"}, hidden, hidden);
    if (config.position_to_content) own.query = exact.linear(attention, {"pos_query_proj"}, hidden, hidden);
    load.count_parameters(exact.parameters());
  }
  return positions;
}

DType dtype_of_attention(const KernelTable& kernels, const DebertaV2Weights& weights) {
  return attention_dtype(kernels, weights.layers.front().layer.qkv.weight.dtype());
}

// Projects the relative embeddings for every layer. The weights must be complete.
void project_positions(const KernelTable& kernels, const DebertaV2Config& config, const PositionWeights& positions,
                       DebertaV2Weights* weights) {
  if (!config.relative || config.score_terms == 1) return;
  const int hidden = config.layer.hidden_size;
  const int rows = 2 * config.buckets.span;
  std::vector<Arena> arenas(1);
  const ExecutionContext context{&kernels, nullptr, arenas};
  const MatrixView<float> table = arenas[0].matrix(rows, hidden);
  std::copy_n(positions.embeddings.data(), positions.embeddings.size(), table.data);
  if (config.normalised_positions) layer_norm(context, table, positions.norm, table);
  const MatrixView<float> projected = arenas[0].matrix(rows, 3 * hidden);
  const PanelLayout layout =
      panel_layout(kernels, dtype_of_attention(kernels, *weights) == DType::kBF16 ? Precision::kBf16 : Precision::kF32);
  for (size_t i = 0; i < weights->layers.size(); ++i) {
    DebertaV2Layer& layer = weights->layers[i];
    const MatrixView<float> queries = projected.slice_columns(0, hidden);
    const MatrixView<float> keys = projected.slice_columns(hidden, 2 * hidden);
    if (positions.layers[i].key.weight.k() == 0 && positions.layers[i].query.weight.k() == 0) {
      linear(context, table, layer.layer.qkv, {}, projected);
    } else {
      if (config.content_to_position) linear(context, table, positions.layers[i].key, {}, keys);
      if (config.position_to_content) linear(context, table, positions.layers[i].query, {}, queries);
    }
    const auto pack = [&](MatrixView<const float> values) {
      return pack_positions(values, config.layer.heads, layout);
    };
    if (config.content_to_position) layer.positions.keys = pack(keys);
    if (config.position_to_content) layer.positions.queries = pack(queries);
  }
  weights->position_index = distance_positions(config.buckets, config.max_tokens - 1);
}

size_t bytes_of_positions(const DebertaV2Weights& weights) {
  size_t bytes = weights.position_index.size() * sizeof(int32_t);
  for (const DebertaV2Layer& layer : weights.layers) {
    for (const auto* matrices : {&layer.positions.keys, &layer.positions.queries}) {
      for (const PackedMatrix& matrix : *matrices) bytes += matrix.bytes();
    }
  }
  return bytes;
}

size_t bytes_of_layers(const DebertaV2Weights& weights) {
  size_t bytes = bytes_of_positions(weights);
  for (const DebertaV2Layer& layer : weights.layers) bytes += layer.layer.weight_bytes();
  if (weights.convolution.has_value()) bytes += weights.convolution->taps.bytes();
  return bytes;
}

class DebertaV2Encoder final : public Encoder {
 public:
  DebertaV2Encoder(EncoderInfo info, const DebertaV2Config& config, DebertaV2Weights weights)
      : m_info(std::move(info)),
        m_config(config),
        m_weights(std::move(weights)),
        m_stays_in_cache(stays_in_cache(bytes_of_layers(m_weights), last_level_cache_bytes())) {}

  const EncoderInfo& info() const override { return m_info; }

  void forward(const ExecutionContext& caller, const BatchSlice& batch, MatrixView<float> hidden,
               const LayerObserver* observer) const override {
    CHECK(hidden.rows == batch.tokens() && hidden.columns == m_info.hidden_size);
    const ExecutionContext context = m_stays_in_cache ? caller.with_weights_in_cache() : caller;
    Arena& arena = context.scratch[0];
    const Arena::Scope scope(arena);
    const std::vector<DebertaV2Layer>& layers = m_weights.layers;
    const PostNormBuffers buffers = post_norm_buffers(context, hidden.rows, m_config.layer, layers.front().layer);
    embed(context, m_weights.embeddings, batch, hidden);
    if (observer != nullptr) (*observer)(0, hidden);
    MatrixView<float> embedded;
    if (m_weights.convolution.has_value()) {
      embedded = arena.matrix(hidden.rows, hidden.columns);
      for (int row = 0; row < hidden.rows; ++row) std::copy_n(hidden.row(row), hidden.columns, embedded.row(row));
    }
    SelfAttention attention{.offsets = batch.offsets,
                            .heads = m_info.heads,
                            .dtype = dtype_of_attention(*context.kernels, m_weights),
                            .score_terms = m_config.score_terms};
    if (!m_weights.position_index.empty()) {
      attention.longest_distance = m_info.max_tokens - 1;
      attention.position_index = m_weights.position_index.data() + attention.longest_distance + kDistancePadding;
    }
    LinearInput input{.x = hidden};
    for (size_t i = 0; i < layers.size(); ++i) {
      const bool is_last = i + 1 == layers.size();
      const bool has_convolution = i == 0 && m_weights.convolution.has_value();
      const PostNormLayer* next = is_last || has_convolution ? nullptr : &layers[i + 1].layer;
      attention.positions = &layers[i].positions;
      attention.first_tokens_only = batch.first_tokens_only && observer == nullptr && is_last && !has_convolution;
      input = run_post_norm_layer(context, {m_config.layer, layers[i].layer, next}, attention, buffers, input, hidden);
      if (has_convolution) {
        run_convolution_layer(context, *m_weights.convolution, batch.offsets, embedded, hidden);
        input = {.x = hidden};
      }
      if (observer != nullptr) (*observer)(static_cast<int>(i) + 1, hidden);
    }
  }

 private:
  EncoderInfo m_info;
  DebertaV2Config m_config;
  DebertaV2Weights m_weights;
  bool m_stays_in_cache;  // what the layers read of weights
};

EncoderInfo make_info(const DebertaV2Config& config, const LayerLoader& load, const WeightFiles& files) {
  return EncoderInfo{
      .architecture = "deberta-v2",
      .layers = config.layers,
      .hidden_size = config.layer.hidden_size,
      .heads = config.layer.heads,
      .intermediate_size = config.layer.intermediate_size,
      .vocabulary_size = config.embeddings.vocabulary_size,
      .type_vocabulary_size = config.embeddings.types,
      .max_tokens = config.max_tokens,
      .parameters = load.parameters(),
      .file_bytes = files.total_bytes(),
      .packed_bytes = load.packed_bytes(),
      .weights_dtype = std::string(dtype_name(files.tensors().begin()->second.dtype)),
  };
}

}  // namespace

Result<std::unique_ptr<const Encoder>> load_deberta_v2(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const DebertaV2Config config, read_deberta_v2_config(directory.config()));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader loader(files);
  const WeightScope root = loader.root("deberta");
  // Heads, which do not touch the hidden states, and a constant that old checkpoints carry along.
  for (const char* name : {"pooler.", "cls.", "classifier.", "lm_predictions.", "mask_predictions.", "qa_outputs.",
                           "embeddings.position_ids"}) {
    loader.ignore(name);
  }
  // Checkpoints whose input is not biased by positions may hold the embeddings of their pre-training.
  if (config.embeddings.positions == 0) loader.ignore("embeddings.position_embeddings.");
  LayerLoader load(loader, target, config.layer.hidden_size);
  DebertaV2Weights weights = load_weights(load, root, config);
  const PositionWeights positions = load_positions(load, root.scope("encoder"), config);
  RETURN_IF_ERROR(loader.finish());
  project_positions(target.kernels, config, positions, &weights);
  load.count_bytes(bytes_of_positions(weights));
  return std::make_unique<const DebertaV2Encoder>(make_info(config, load, files), config, std::move(weights));
}

}  // namespace vivace
