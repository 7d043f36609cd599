#include "heads/generation_options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "formats/json_file.h"

namespace vivace {
namespace {

constexpr size_t kMaxEndTokens = 64;

std::unexpected<Status> wrong(std::string message) {
  return error(StatusCode::kInvalidArgument, std::move(message));
}

Result<void> check_sampling(const GenerationOptions& options) {
  if (!(options.temperature >= 0 && options.temperature <= 100)) return wrong("temperature must be from 0 to 100");
  if (options.top_k < 0) return wrong("top_k must be 0 (all tokens) or more");
  if (!(options.top_p > 0 && options.top_p <= 1)) return wrong("top_p must be above 0 and at most 1");
  if (!(options.repetition_penalty > 0 && options.repetition_penalty <= 100)) {
    return wrong("repetition_penalty must be above 0 and at most 100");
  }
  if (options.temperature == 0 && (options.top_k != 0 || options.top_p < 1)) {
    return wrong("top_k and top_p choose among tokens to sample from: give a temperature above 0");
  }
  return {};
}

Result<void> check_beams(const GenerationOptions& options) {
  if (options.num_beams < 1 || options.num_beams > kMaxBeams) {
    return wrong("num_beams must be from 1 to " + std::to_string(kMaxBeams));
  }
  if (options.num_return_sequences < 1 || options.num_return_sequences > kMaxReturnSequences) {
    return wrong("num_return_sequences must be from 1 to " + std::to_string(kMaxReturnSequences));
  }
  if (!(std::abs(options.length_penalty) <= 100)) return wrong("length_penalty must be from -100 to 100");
  if (options.num_beams > 1) {
    if (options.temperature > 0) return wrong("num_beams above 1 and a temperature exclude each other");
    if (options.num_return_sequences > options.num_beams) {
      return wrong("num_return_sequences must not be more than num_beams");
    }
  } else if (options.temperature == 0 && options.num_return_sequences > 1) {
    return wrong("num_return_sequences above 1 needs num_beams or a temperature: all would be the same");
  }
  return {};
}

// The value of a key: generation_config.json's if it has one, else config.json's.
std::optional<JsonValue> find_setting(const std::optional<JsonValue>& generation, const JsonValue& config,
                                      std::string_view key) {
  if (generation.has_value()) {
    if (auto value = generation->find(key); value.has_value()) return value;
  }
  return config.find(key);
}

// Settings of transformers that change the text and that are not taken over, unless they ask for nothing.
Result<void> refuse_unknown(const JsonValue& generation) {
  for (const char* key : {"forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens",
                          "bad_words_ids", "sequence_bias", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
                          "exponential_decay_length_penalty", "watermarking_config"}) {
    const auto value = generation.find(key);
    if (!value.has_value() || value->to_text() == "0" || value->to_text() == "[]") continue;
    return error(StatusCode::kUnsupported, generation.path() + ": " + key + " is not supported");
  }
  ASSIGN_OR_RETURN(const double of_source, generation.double_or("encoder_repetition_penalty", 1));
  if (of_source != 1) {
    return error(StatusCode::kUnsupported, generation.path() + ": encoder_repetition_penalty is not supported");
  }
  ASSIGN_OR_RETURN(const double penalty, generation.double_or("repetition_penalty", 1));
  if (penalty == 1) return {};
  return error(StatusCode::kUnsupported, generation.path() + ": repetition_penalty is not taken over; take it out " +
                                             "there and ask for --repetition-penalty");
}

Result<std::vector<int32_t>> read_ids(const JsonValue& value, int vocabulary_size) {
  std::vector<JsonValue> items{value};
  if (value.is_array()) {
    ASSIGN_OR_RETURN(items, value.as_array(kMaxEndTokens));
  }
  std::vector<int32_t> ids;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const int64_t id, item.as_integer(0, vocabulary_size - 1));
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

}  // namespace

Result<void> check_generation_options(const GenerationOptions& options, int max_target_tokens) {
  const int longest = max_target_tokens - 1;
  if (options.max_new_tokens < 1 || options.max_new_tokens > longest) {
    return wrong("max_new_tokens must be from 1 to " + std::to_string(longest) + ", the model's limit");
  }
  return check_options_of_any_model(options);
}

Result<void> check_options_of_any_model(const GenerationOptions& options) {
  if (options.max_new_tokens < 1) return wrong("max_new_tokens must be 1 or more");
  if (options.min_new_tokens < 0 || options.min_new_tokens > options.max_new_tokens) {
    return wrong("min_new_tokens must be from 0 to max_new_tokens");
  }
  RETURN_IF_ERROR(check_sampling(options));
  return check_beams(options);
}

Result<GenerationTokens> read_generation_tokens(const ModelDirectory& directory, int vocabulary_size) {
  std::optional<JsonDocument> document;
  std::optional<JsonValue> generation;
  const std::string path = directory.path() + "/generation_config.json";
  if (file_exists(path)) {
    ASSIGN_OR_RETURN(document, read_json_file(path));
    generation = document->root();
  }
  RETURN_IF_ERROR(as_file_error(refuse_unknown(generation.value_or(directory.config()))));
  GenerationTokens tokens;
  std::optional<JsonValue> start;
  for (const char* key : {"decoder_start_token_id", "bos_token_id", "pad_token_id"}) {
    if (!start.has_value()) start = find_setting(generation, directory.config(), key);
  }
  if (!start.has_value()) {
    return error(StatusCode::kCorruptFile,
                 directory.path() +
                     "/config.json: none of decoder_start_token_id, bos_token_id and pad_token_id says "
                     "what to start with");
  }
  ASSIGN_OR_RETURN(const int64_t id, as_file_error(start->as_integer(0, vocabulary_size - 1)));
  tokens.start = static_cast<int32_t>(id);
  if (const auto ends = find_setting(generation, directory.config(), "eos_token_id"); ends.has_value()) {
    ASSIGN_OR_RETURN(tokens.ends, as_file_error(read_ids(*ends, vocabulary_size)));
  }
  return tokens;
}

}  // namespace vivace
