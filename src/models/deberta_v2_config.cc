#include "models/deberta_v2_config.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/utf8.h"

namespace vivace {
namespace {

// Distances up to this have a place in the tables that attention looks them up in.
constexpr int64_t kMaxTokens = 65'536;
constexpr int64_t kMaxRelativePositions = 4'096;

Result<void> add_term(const JsonValue& config, std::string name, DebertaV2Config* deberta) {
  std::erase_if(name, [](unsigned char c) { return std::isspace(c) != 0; });
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.empty()) return {};
  if (name != "c2p" && name != "p2c") {
    return error(StatusCode::kUnsupported,
                 config.path() + ": pos_att_type '" + printable(name) + "' is not supported; known: c2p, p2c");
  }
  (name == "c2p" ? deberta->content_to_position : deberta->position_to_content) = true;
  return {};
}

// A list, or one string with | between the names.
Result<void> read_terms(const JsonValue& config, DebertaV2Config* deberta) {
  const auto value = config.find("pos_att_type");
  if (!value.has_value()) return {};
  if (value->is_string()) {
    ASSIGN_OR_RETURN(const std::string_view text, value->as_string());
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('|', begin), text.size());
      RETURN_IF_ERROR(add_term(config, std::string(text.substr(begin, end - begin)), deberta));
      begin = end + 1;
    }
    return {};
  }
  ASSIGN_OR_RETURN(const auto items, value->as_array(16));
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const std::string_view name, item.as_string());
    RETURN_IF_ERROR(add_term(config, std::string(name), deberta));
  }
  return {};
}

Result<void> read_buckets(const JsonValue& config, int max_positions, DistanceBuckets* buckets) {
  ASSIGN_OR_RETURN(const int64_t count, config.integer_or("position_buckets", -1, -1, kMaxRelativePositions));
  ASSIGN_OR_RETURN(const int64_t given, config.integer_or("max_relative_positions", -1, -1, kMaxTokens));
  const int64_t farthest = given < 1 ? max_positions : given;
  buckets->max_distance = static_cast<int>(farthest);
  buckets->buckets = count > 0 ? static_cast<int>(count) : 0;
  buckets->span = static_cast<int>(count > 0 ? count : farthest);
  if (buckets->span > kMaxRelativePositions) {
    return config.fail("max_relative_positions " + std::to_string(farthest) +
                       " without position_buckets is more than " + std::to_string(kMaxRelativePositions));
  }
  // Nearer, the logarithm that the buckets are made with would be zero or negative.
  if (count > 0 && (count < 2 || farthest - 1 <= count / 2)) {
    return config.fail("position_buckets " + std::to_string(count) + " must be at least 2, and half of it less than " +
                       "max_relative_positions " + std::to_string(farthest) + " - 1");
  }
  return {};
}

Result<std::optional<ConvolutionConfig>> read_convolution(const JsonValue& config, const PostNormConfig& layer) {
  ASSIGN_OR_RETURN(const int64_t size, config.integer_or("conv_kernel_size", 0, 0, 255));
  if (size == 0) return std::nullopt;
  if (size % 2 == 0) return config.fail("conv_kernel_size " + std::to_string(size) + " must be odd");
  ConvolutionConfig convolution{
      .hidden_size = layer.hidden_size, .kernel_size = static_cast<int>(size), .epsilon = layer.epsilon};
  ASSIGN_OR_RETURN(const int64_t groups, config.integer_or("conv_groups", 1, 1, layer.hidden_size));
  ASSIGN_OR_RETURN(convolution.activation, read_activation(config, "conv_act", "tanh"));
  if (layer.hidden_size % groups != 0) return config.fail("conv_groups must divide hidden_size");
  convolution.groups = static_cast<int>(groups);
  return convolution;
}

Result<void> require_size(const JsonValue& config, std::string_view key, int only) {
  ASSIGN_OR_RETURN(const int64_t value, config.integer_or(key, only, 1, kMaxHiddenSize));
  if (value == only) return {};
  return error(StatusCode::kUnsupported, config.path() + ": " + std::string(key) + " " + std::to_string(value) +
                                             " is not supported; with these sizes it must be " + std::to_string(only));
}

Result<void> read_sizes(const JsonValue& config, DebertaV2Config* deberta) {
  EmbeddingLayerConfig& embeddings = deberta->embeddings;
  PostNormConfig& layer = deberta->layer;
  ASSIGN_OR_RETURN(embeddings.vocabulary_size, read_size(config, "vocab_size", kMaxVocabulary));
  ASSIGN_OR_RETURN(layer.hidden_size, read_size(config, "hidden_size", kMaxHiddenSize));
  ASSIGN_OR_RETURN(deberta->layers, read_size(config, "num_hidden_layers", kMaxLayers));
  ASSIGN_OR_RETURN(layer.heads, read_size(config, "num_attention_heads", kMaxHeads));
  ASSIGN_OR_RETURN(layer.intermediate_size, read_size(config, "intermediate_size", kMaxIntermediateSize));
  ASSIGN_OR_RETURN(deberta->max_tokens, read_size(config, "max_position_embeddings", kMaxTokens));
  ASSIGN_OR_RETURN(const int64_t types, config.integer_or("type_vocab_size", 0, 0, kMaxTypes));
  ASSIGN_OR_RETURN(layer.epsilon, read_epsilon(config, "layer_norm_eps", 1e-7));
  ASSIGN_OR_RETURN(layer.activation, read_activation(config, "hidden_act", "gelu"));
  ASSIGN_OR_RETURN(const bool absolute, config.bool_or("position_biased_input", true));
  RETURN_IF_ERROR(check_heads(config, layer.hidden_size, layer.heads, "num_attention_heads"));
  RETURN_IF_ERROR(require_size(config, "embedding_size", layer.hidden_size));
  RETURN_IF_ERROR(require_size(config, "attention_head_size", layer.hidden_size / layer.heads));
  embeddings.hidden_size = layer.hidden_size;
  embeddings.epsilon = layer.epsilon;
  embeddings.types = static_cast<int>(types);
  embeddings.positions = absolute ? deberta->max_tokens : 0;
  return {};
}

}  // namespace

Result<DebertaV2Config> read_deberta_v2_config(const JsonValue& config) {
  DebertaV2Config deberta;
  RETURN_IF_ERROR(read_sizes(config, &deberta));
  RETURN_IF_ERROR(read_terms(config, &deberta));
  deberta.score_terms += (deberta.content_to_position ? 1 : 0) + (deberta.position_to_content ? 1 : 0);
  ASSIGN_OR_RETURN(deberta.relative, config.bool_or("relative_attention", false));
  ASSIGN_OR_RETURN(deberta.shared_projections, config.bool_or("share_att_key", false));
  ASSIGN_OR_RETURN(const std::string norm, config.string_or("norm_rel_ebd", "none"));
  if (norm != "none" && norm != "layer_norm") {
    return error(StatusCode::kUnsupported,
                 config.path() + ": norm_rel_ebd '" + printable(norm) + "' is not supported; known: none, layer_norm");
  }
  deberta.normalised_positions = norm == "layer_norm";
  if (deberta.relative) RETURN_IF_ERROR(read_buckets(config, deberta.max_tokens, &deberta.buckets));
  ASSIGN_OR_RETURN(deberta.convolution, read_convolution(config, deberta.layer));
  return deberta;
}

}  // namespace vivace
