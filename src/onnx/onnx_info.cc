#include "onnx/onnx_info.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace vivace {
namespace {

// Far above every real model; memory is taken only for what a file really has.
constexpr int64_t kMaxValue = 10'000'000;
// The first of the keys that is there; 0 without any.
Result<int> read_any(const JsonValue& config, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    const auto value = config.find(key);
    if (!value) continue;
    ASSIGN_OR_RETURN(const int64_t number, value->as_integer(0, kMaxValue));
    return static_cast<int>(number);
  }
  return 0;
}

Result<int> read_required(const JsonValue& config, std::initializer_list<std::string_view> keys) {
  ASSIGN_OR_RETURN(const int number, read_any(config, keys));
  if (number > 0) return number;
  return config.fail("needs " + std::string(*keys.begin()) + " of at least 1");
}

Result<int> read_max_tokens(const JsonValue& config) {
  ASSIGN_OR_RETURN(const int positions, read_any(config, {"max_position_embeddings"}));
  ASSIGN_OR_RETURN(const std::string type, config.string_or("model_type", ""));
  if (!positions_start_after_padding(type) || positions == 0) return positions;
  ASSIGN_OR_RETURN(const int64_t padding, config.integer_or("pad_token_id", 1, 0, kMaxValue));
  if (positions > padding + 1) return static_cast<int>(positions - padding - 1);
  return config.fail("max_position_embeddings leaves no position after that of the padding");
}

}  // namespace

bool positions_start_after_padding(std::string_view model_type) {
  return model_type == "roberta" || model_type == "xlm-roberta" || model_type == "camembert" || model_type == "mpnet";
}

Result<EncoderInfo> read_onnx_info(const JsonValue& config) {
  EncoderInfo info;
  ASSIGN_OR_RETURN(info.hidden_size, read_required(config, {"hidden_size", "dim", "d_model", "n_embd"}));
  ASSIGN_OR_RETURN(info.vocabulary_size, read_required(config, {"vocab_size"}));
  ASSIGN_OR_RETURN(info.layers, read_any(config, {"num_hidden_layers", "n_layers", "num_layers"}));
  ASSIGN_OR_RETURN(info.heads, read_any(config, {"num_attention_heads", "n_heads", "num_heads"}));
  ASSIGN_OR_RETURN(info.intermediate_size, read_any(config, {"intermediate_size", "hidden_dim", "d_ff"}));
  ASSIGN_OR_RETURN(info.type_vocabulary_size, read_any(config, {"type_vocab_size"}));
  ASSIGN_OR_RETURN(info.max_tokens, read_max_tokens(config));
  return info;
}

}  // namespace vivace
