#include "models/t5_config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "models/config_reading.h"

namespace vivace {
namespace {

// What the sources and targets of T5 were cut to in training, where the configuration does not say.
constexpr int64_t kDefaultTokens = 512;
constexpr int64_t kMaxTokens = 65'536;  // bounds the tables that are made for each distance
constexpr int64_t kMaxBuckets = 65'536;

// "relu", "gated-gelu", "gated-silu", …
Result<void> read_feed_forward(const JsonValue& config, T5Config* t5) {
  constexpr std::string_view kGated = "gated-";
  ASSIGN_OR_RETURN(const std::string name, config.string_or("feed_forward_proj", "relu"));
  t5->gated = name.starts_with(kGated);
  const std::string activation = t5->gated ? name.substr(kGated.size()) : name;
  if (name == "gated-gelu" || activation == "gelu_new") {  // the first by tradition means the tanh form
    t5->activation = Activation::kGeluTanh;
  } else if (activation == "relu") {
    t5->activation = Activation::kRelu;
  } else if (activation == "silu") {
    t5->activation = Activation::kSilu;
  } else if (activation == "gelu") {
    t5->activation = Activation::kGelu;
  } else {
    return error(StatusCode::kUnsupported, config.path() + ": feed_forward_proj '" + printable(name) +
                                               "' is not supported; known: relu, silu, gelu, gelu_new and the same " +
                                               "with gated- in front");
  }
  return {};
}

Result<void> read_buckets(const JsonValue& config, T5Buckets* buckets) {
  ASSIGN_OR_RETURN(const int64_t count, config.integer_or("relative_attention_num_buckets", 32, 4, kMaxBuckets));
  ASSIGN_OR_RETURN(const int64_t farthest, config.integer_or("relative_attention_max_distance", 128, 1, kMaxPositions));
  // Half of the buckets are exact in the decoder; the logarithm needs distances beyond them.
  if (farthest <= count / 2) {
    return config.fail("relative_attention_max_distance " + std::to_string(farthest) +
                       " must be more than half of relative_attention_num_buckets " + std::to_string(count));
  }
  *buckets = {static_cast<int>(count), static_cast<int>(farthest)};
  return {};
}

Result<void> read_output(const JsonValue& config, T5Config* t5) {
  ASSIGN_OR_RETURN(t5->tied, config.bool_or("tie_word_embeddings", true));
  // Newer files say it outright and call all models tied.
  ASSIGN_OR_RETURN(t5->scaled_logits, config.bool_or("scale_decoder_outputs", t5->tied));
  return {};
}

}  // namespace

int t5_bucket(const T5Buckets& buckets, T5Direction direction, int distance) {
  int count = buckets.count;
  int side = 0;
  int far = std::max(-distance, 0);
  if (direction == T5Direction::kBoth) {
    count /= 2;
    side = distance > 0 ? count : 0;
    far = std::abs(distance);
  }
  const int exact = count / 2;
  if (far < exact) return side + far;
  // In single precision and in the reference's order, so that distances at a bucket's edge fall on the same side.
  const float octaves = std::log(static_cast<float>(far) / static_cast<float>(exact)) /
                        static_cast<float>(std::log(static_cast<double>(buckets.max_distance) / exact));
  const float beyond = octaves * static_cast<float>(count - exact);
  return side +
         (beyond < static_cast<float>(count) ? std::min(count - 1, exact + static_cast<int>(beyond)) : count - 1);
}

Result<T5Config> read_t5_config(const JsonValue& config) {
  T5Config t5;
  ASSIGN_OR_RETURN(t5.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(t5.hidden_size, read_size(config, "d_model", kMaxHiddenSize));
  ASSIGN_OR_RETURN(t5.head_dim, read_size(config, "d_kv", kMaxHiddenSize));
  ASSIGN_OR_RETURN(t5.heads, read_size(config, "num_heads", kMaxHeads));
  ASSIGN_OR_RETURN(t5.intermediate_size, read_size(config, "d_ff", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(t5.encoder_layers, read_size(config, "num_layers", kMaxLayers));
  ASSIGN_OR_RETURN(const int64_t decoder_layers,
                   config.integer_or("num_decoder_layers", t5.encoder_layers, 1, kMaxLayers));
  ASSIGN_OR_RETURN(const int64_t max_tokens, config.integer_or("n_positions", kDefaultTokens, 1, kMaxTokens));
  ASSIGN_OR_RETURN(t5.epsilon, read_epsilon(config, "layer_norm_epsilon", 1e-6));
  RETURN_IF_ERROR(read_feed_forward(config, &t5));
  RETURN_IF_ERROR(read_buckets(config, &t5.buckets));
  RETURN_IF_ERROR(read_output(config, &t5));
  if (t5.head_dim > kMaxHiddenSize / t5.heads) {
    return config.fail("num_heads " + std::to_string(t5.heads) + " · d_kv " + std::to_string(t5.head_dim) +
                       " is more than " + std::to_string(kMaxHiddenSize));
  }
  t5.decoder_layers = static_cast<int>(decoder_layers);
  t5.max_tokens = static_cast<int>(max_tokens);
  return t5;
}

}  // namespace vivace
