#include "models/post_norm_encoder.h"

#include <algorithm>
#include <utility>

#include "base/cpu_topology.h"

namespace vivace {
namespace {

size_t weight_bytes(const std::vector<PostNormLayer>& layers) {
  size_t bytes = 0;
  for (const PostNormLayer& layer : layers) bytes += layer.weight_bytes();
  return bytes;
}

class PostNormEncoder final : public Encoder {
 public:
  PostNormEncoder(EncoderInfo info, const PostNormEncoderConfig& config, PostNormEncoderParts parts)
      : m_info(std::move(info)),
        m_config(config),
        m_parts(std::move(parts)),
        m_stays_in_cache(stays_in_cache(weight_bytes(m_parts.layers), last_level_cache_bytes())) {}

  const EncoderInfo& info() const override { return m_info; }

  void forward(const ExecutionContext& caller, const BatchSlice& batch, MatrixView<float> hidden,
               const LayerObserver* observer) const override {
    CHECK(hidden.rows == batch.tokens() && hidden.columns == m_info.hidden_size);
    const ExecutionContext context = m_stays_in_cache ? caller.with_weights_in_cache() : caller;
    Arena& arena = context.scratch[0];
    const Arena::Scope scope(arena);
    const std::vector<PostNormLayer>& layers = m_parts.layers;
    const PostNormBuffers buffers = post_norm_buffers(context, hidden.rows, m_config.layer, layers.front());
    SelfAttention attention{.offsets = batch.offsets,
                            .heads = m_info.heads,
                            .dtype = attention_dtype(*context.kernels, layers.front().qkv.weight.dtype())};
    if (m_parts.distance_bias.size() > 0) {
      attention.distance_bias = m_parts.distance_bias.data();
      attention.longest_distance = m_info.max_tokens - 1;
    }
    embed(context, m_parts.embeddings, batch, hidden);
    if (observer != nullptr) (*observer)(0, hidden);
    LinearInput input{.x = hidden};
    for (size_t i = 0; i < layers.size(); ++i) {
      const PostNormLayer* next = i + 1 < layers.size() ? &layers[i + 1] : nullptr;
      attention.first_tokens_only = batch.first_tokens_only && observer == nullptr && next == nullptr;
      input = run_post_norm_layer(context, {m_config.layer, layers[i], next}, attention, buffers, input, hidden);
      if (observer != nullptr) (*observer)(static_cast<int>(i) + 1, hidden);
    }
  }

 private:
  EncoderInfo m_info;
  PostNormEncoderConfig m_config;
  PostNormEncoderParts m_parts;
  bool m_stays_in_cache;  // what the layers read of weights
};

}  // namespace

std::vector<PostNormLayer> load_post_norm_layers(LayerLoader& load, const WeightScope& layers,
                                                 const PostNormNames& names, const PostNormEncoderConfig& config) {
  std::vector<PostNormLayer> loaded;
  loaded.reserve(static_cast<size_t>(config.layers));
  for (int i = 0; i < config.layers; ++i) {
    loaded.push_back(load_post_norm_layer(load, layers.scope(std::to_string(i)), names, config.layer));
  }
  return loaded;
}

EncoderInfo post_norm_info(const PostNormEncoderConfig& config, const LayerLoader& load, const WeightFiles& files) {
  return EncoderInfo{
      .architecture = config.architecture,
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

std::unique_ptr<const Encoder> make_post_norm_encoder(EncoderInfo info, const PostNormEncoderConfig& config,
                                                      PostNormEncoderParts parts) {
  return std::make_unique<const PostNormEncoder>(std::move(info), config, std::move(parts));
}

Result<std::unique_ptr<const Encoder>> load_post_norm_encoder(const ModelDirectory& directory, const LoadTarget& target,
                                                              const PostNormEncoderConfig& config,
                                                              const PostNormCheckpoint& checkpoint) {
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader weights(files);
  const WeightScope root = weights.root(checkpoint.prefix);
  for (const auto name : checkpoint.unused) weights.ignore(name);
  LayerLoader load(weights, target, config.layer.hidden_size);
  PostNormEncoderParts parts{
      .embeddings = load_embedding_layer(load, root.scope("embeddings"), config.embeddings),
      .layers = load_post_norm_layers(load, root.scope(checkpoint.layers), checkpoint.names, config),
      .distance_bias = {},
  };
  RETURN_IF_ERROR(weights.finish());
  return make_post_norm_encoder(post_norm_info(config, load, files), config, std::move(parts));
}

}  // namespace vivace
