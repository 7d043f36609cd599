#include "models/mpnet.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>

#include "models/config_reading.h"
#include "models/post_norm_encoder.h"

namespace vivace {
namespace {

// transformers fixes these three, whatever the configuration says.
constexpr int kPaddingId = 1;
constexpr int kBuckets = 32;
constexpr int kMaxDistance = 128;

constexpr PostNormNames kNames{
    .qkv = {"attention.attn.q", "attention.attn.k", "attention.attn.v"},
    .attention_output = "attention.attn.o",
    .attention_norm = "attention.LayerNorm",
    .intermediate = "intermediate.dense",
    .output = "output.dense",
    .output_norm = "output.LayerNorm",
};

struct MpnetConfig {
  PostNormEncoderConfig encoder;
  int buckets = 0;  // rows of the table
};

Result<MpnetConfig> read_config(const JsonValue& config) {
  MpnetConfig mpnet{.encoder = {.architecture = "mpnet", .embeddings = {}, .layer = {}}};
  EmbeddingLayerConfig& embeddings = mpnet.encoder.embeddings;
  PostNormConfig& layer = mpnet.encoder.layer;
  ASSIGN_OR_RETURN(embeddings.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(layer.hidden_size, read_size(config, "hidden_size", kMaxHiddenSize));
  ASSIGN_OR_RETURN(mpnet.encoder.layers, read_size(config, "num_hidden_layers", kMaxLayers));
  ASSIGN_OR_RETURN(layer.heads, read_size(config, "num_attention_heads", kMaxHeads));
  ASSIGN_OR_RETURN(layer.intermediate_size, read_size(config, "intermediate_size", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(embeddings.positions, read_size(config, "max_position_embeddings", kMaxPositions));
  ASSIGN_OR_RETURN(layer.epsilon, read_epsilon(config, "layer_norm_eps", 1e-12));
  ASSIGN_OR_RETURN(layer.activation, read_activation(config, "hidden_act", "gelu"));
  ASSIGN_OR_RETURN(const int64_t buckets,
                   config.integer_or("relative_attention_num_buckets", kBuckets, kBuckets, 65'536));
  RETURN_IF_ERROR(check_heads(config, layer.hidden_size, layer.heads, "num_attention_heads"));
  mpnet.buckets = static_cast<int>(buckets);
  embeddings.hidden_size = layer.hidden_size;
  embeddings.epsilon = layer.epsilon;
  embeddings.padding_id = kPaddingId;
  ASSIGN_OR_RETURN(mpnet.encoder.max_tokens, positions_after_padding(config, embeddings.positions, kPaddingId));
  return mpnet;
}

// Half of the buckets are for keys after the query; in each half one for each of the 8 nearest distances, the rest for
// ranges that grow with the distance. In single precision, as the reference rounds.
int bucket_of(int distance) {
  constexpr int kHalf = kBuckets / 2;
  constexpr int kExact = kHalf / 2;
  const int side = distance > 0 ? kHalf : 0;
  const int far = std::abs(distance);
  if (far < kExact) return side + far;
  const float octaves = std::log(static_cast<float>(far) / kExact) /
                        static_cast<float>(std::log(static_cast<double>(kMaxDistance) / kExact));
  return side + std::min(kHalf - 1, kExact + static_cast<int>(octaves * static_cast<float>(kHalf - kExact)));
}

// The table [buckets, heads] spread out over heads and distances, and divided by the scale that scores get.
AlignedBuffer<float> spread_out(const AlignedBuffer<float>& table, const PostNormEncoderConfig& config) {
  const int heads = config.layer.heads;
  const int longest = config.max_tokens - 1;
  const int entries = 2 * longest + 1 + kDistancePadding;
  const int head_dim = config.layer.hidden_size / heads;
  const float unscale = std::sqrt(static_cast<float>(head_dim));
  AlignedBuffer<float> bias(static_cast<size_t>(heads) * static_cast<size_t>(entries));
  for (int entry = 0; entry < entries; ++entry) {
    const float* row = table.data() + bucket_of(entry - longest) * heads;
    for (int head = 0; head < heads; ++head) {
      bias.data()[static_cast<ptrdiff_t>(head) * entries + entry] = row[head] * unscale;
    }
  }
  return bias;
}

}  // namespace

Result<std::unique_ptr<const Encoder>> load_mpnet(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const MpnetConfig config, read_config(directory.config()));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader weights(files);
  const WeightScope root = weights.root("mpnet");
  // Heads, which do not touch the hidden states, and a constant that old checkpoints carry along.
  for (const char* name : {"pooler.", "lm_head.", "classifier.", "qa_outputs.", "embeddings.position_ids"}) {
    weights.ignore(name);
  }
  LayerLoader load(weights, target, config.encoder.layer.hidden_size);
  const int heads = config.encoder.layer.heads;
  const auto table = load.table(root.scope("encoder"), "relative_attention_bias.weight", config.buckets, heads);
  PostNormEncoderParts parts{
      .embeddings = load_embedding_layer(load, root.scope("embeddings"), config.encoder.embeddings),
      .layers = load_post_norm_layers(load, root.scope("encoder.layer"), kNames, config.encoder),
      .distance_bias = {},
  };
  RETURN_IF_ERROR(weights.finish());
  parts.distance_bias = spread_out(table, config.encoder);
  return make_post_norm_encoder(post_norm_info(config.encoder, load, files), config.encoder, std::move(parts));
}

}  // namespace vivace
