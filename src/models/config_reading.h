// Reading the values that encoders' config.json files have in common. Every error names the file and the key.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "kernels/kernel_table.h"

namespace vivace {

// Largest values that a configuration may claim. Memory is taken only for tensors that the checkpoint really has.
constexpr int64_t kMaxVocabulary = 10'000'000;
constexpr int64_t kMaxHiddenSize = 16'384;
constexpr int64_t kMaxLayers = 256;
constexpr int64_t kMaxHeads = 1'024;
constexpr int64_t kMaxIntermediateSize = 131'072;
constexpr int64_t kMaxPositions = 1'048'576;
constexpr int64_t kMaxTypes = 1'024;

// A value that must be there and be a whole number from 1 to `highest`.
Result<int> read_size(const JsonValue& config, std::string_view key, int64_t highest);

// A small real number from 0 to below 1, such as layer_norm_eps.
Result<double> read_epsilon(const JsonValue& config, std::string_view key, double fallback);

// An activation by transformers' name; kUnsupported, listing the known, for another.
Result<Activation> read_activation(const JsonValue& config, std::string_view key, std::string_view fallback);

// kUnsupported unless the value of `key`, if any, is `only`.
Result<void> require_value(const JsonValue& config, std::string_view key, std::string_view only);

// A configuration whose is_decoder is set: its tokens see only those before them.
Result<void> refuse_decoder(const JsonValue& config);

// kInvalidArgument unless `heads` (the value of key heads_key) divides `hidden`.
Result<void> check_heads(const JsonValue& config, int hidden, int heads, std::string_view heads_key);

// Positions that are left for tokens when they start after `padding_id`; kInvalidArgument when there are none.
Result<int> positions_after_padding(const JsonValue& config, int positions, int padding_id);

}  // namespace vivace
