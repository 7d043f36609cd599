#include "models/config_reading.h"

#include <string>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr std::pair<std::string_view, Activation> kActivations[] = {
    {"gelu", Activation::kGelu}, {"gelu_new", Activation::kGeluTanh}, {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"relu", Activation::kRelu}, {"silu", Activation::kSilu},         {"swish", Activation::kSilu},
    {"tanh", Activation::kTanh},
};

}  // namespace

Result<int> read_size(const JsonValue& config, std::string_view key, int64_t highest) {
  ASSIGN_OR_RETURN(const JsonValue value, config.get(key));
  ASSIGN_OR_RETURN(const int64_t size, value.as_integer(1, highest));
  return static_cast<int>(size);
}

Result<double> read_epsilon(const JsonValue& config, std::string_view key, double fallback) {
  ASSIGN_OR_RETURN(const double epsilon, config.double_or(key, fallback));
  if (epsilon >= 0 && epsilon < 1) return epsilon;
  return config.fail(std::string(key) + " must be from 0 to 1");
}

Result<Activation> read_activation(const JsonValue& config, std::string_view key, std::string_view fallback) {
  ASSIGN_OR_RETURN(const std::string name, config.string_or(key, fallback));
  std::string known;
  for (const auto& [known_name, activation] : kActivations) {
    if (name == known_name) return activation;
    known += (known.empty() ? "" : ", ") + std::string(known_name);
  }
  return error(StatusCode::kUnsupported, config.path() + ": " + std::string(key) + " '" + printable(name) +
                                             "' is not supported; known: " + known);
}

Result<void> require_value(const JsonValue& config, std::string_view key, std::string_view only) {
  ASSIGN_OR_RETURN(const std::string value, config.string_or(key, only));
  if (value == only) return {};
  return error(StatusCode::kUnsupported, config.path() + ": " + std::string(key) + " '" + printable(value) +
                                             "' is not supported; known: " + std::string(only));
}

Result<void> refuse_decoder(const JsonValue& config) {
  ASSIGN_OR_RETURN(const bool is_decoder, config.bool_or("is_decoder", false));
  if (!is_decoder) return {};
  return error(StatusCode::kUnsupported,
               config.path() + ": is_decoder is not supported; every token of an encoder sees every other");
}

Result<void> check_heads(const JsonValue& config, int hidden, int heads, std::string_view heads_key) {
  if (hidden % heads == 0) return {};
  return config.fail("hidden_size " + std::to_string(hidden) + " is not a multiple of " + std::string(heads_key) + " " +
                     std::to_string(heads));
}

Result<int> positions_after_padding(const JsonValue& config, int positions, int padding_id) {
  if (positions > padding_id + 1) return positions - padding_id - 1;
  return config.fail("max_position_embeddings " + std::to_string(positions) +
                     " leaves no position after that of the padding, " + std::to_string(padding_id));
}

}  // namespace vivace
