#include "formats/transformer_module.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/json.h"
#include "base/utf8.h"
#include "formats/json_file.h"

namespace vivace {
namespace {

constexpr int64_t kMaxTokens = 1'000'000'000;

using Names = std::span<const std::string_view>;

// Arguments that say where a model is loaded from, or how it is computed, but not what.
constexpr std::string_view kOfLoading[] = {
    "torch_dtype",     "dtype",    "attn_implementation", "trust_remote_code", "cache_dir",
    "token",           "revision", "device_map",          "use_fast",          "local_files_only",
    "use_safetensors", "backend",  "low_cpu_mem_usage",
};
constexpr std::string_view kOfBatches[] = {"padding", "truncation", "return_tensors", "pad_to_multiple_of"};

Result<void> keep_smaller(const JsonValue& length, std::optional<int>* limit) {
  ASSIGN_OR_RETURN(const int64_t tokens, length.as_integer(1, kMaxTokens));
  limit->emplace(std::min(static_cast<int>(tokens), limit->value_or(static_cast<int>(tokens))));
  return {};
}

// Keyword arguments, by name: the length that is there taken over, others accepted where they change no answer.
Result<void> read_arguments(const JsonValue& arguments, std::string_view length, Names harmless,
                            std::optional<int>* limit) {
  ASSIGN_OR_RETURN(const auto members, arguments.as_object());
  for (const auto& [name, value] : members) {
    if (value.is_null() || std::ranges::find(harmless, name) != harmless.end()) continue;
    if (name != length) {
      return error(StatusCode::kUnsupported, arguments.path() + ": '" + printable(name) +
                                                 "' is not supported: it may change what the model answers");
    }
    RETURN_IF_ERROR(keep_smaller(value, limit));
  }
  return {};
}

// Of AutoModel, AutoConfig and AutoTokenizer, by their names up to version 5 and from then on.
Result<void> read_loading(const JsonValue& root, std::optional<int>* limit) {
  for (const std::string_view key : {"model_args", "model_kwargs", "config_args", "config_kwargs"}) {
    const auto arguments = root.find(key);
    if (arguments) RETURN_IF_ERROR(read_arguments(*arguments, "", kOfLoading, limit));
  }
  std::optional<int> of_tokenizer;
  for (const std::string_view key : {"tokenizer_args", "processor_kwargs"}) {
    const auto arguments = root.find(key);
    if (arguments) RETURN_IF_ERROR(read_arguments(*arguments, "model_max_length", kOfLoading, &of_tokenizer));
  }
  if (of_tokenizer) *limit = of_tokenizer;  // which version 6 prefers to max_seq_length
  return {};
}

// Of the tokenizer's call.
Result<void> read_processing(const JsonValue& root, std::optional<int>* limit) {
  const auto processing = root.find("processing_kwargs");
  if (!processing) return {};
  ASSIGN_OR_RETURN(const auto members, processing->as_object());
  for (const auto& [modality, arguments] : members) {
    if (modality != "text" && modality != "common") continue;
    if (arguments.is_null()) continue;
    RETURN_IF_ERROR(read_arguments(arguments, "max_length", kOfBatches, limit));
  }
  return {};
}

}  // namespace

Result<TransformerModule> read_transformer_module(const std::string& path, std::string_view task) {
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  TransformerModule module;
  ASSIGN_OR_RETURN(const std::string named, root.string_or("transformer_task", task));
  if (named != task) {
    return error(StatusCode::kUnsupported, path + ": transformer_task '" + printable(named) +
                                               "' is not supported here; supported is " + std::string(task));
  }
  if (const auto length = root.find("max_seq_length")) RETURN_IF_ERROR(keep_smaller(*length, &module.max_tokens));
  ASSIGN_OR_RETURN(module.lowercases, root.bool_or("do_lower_case", false));
  RETURN_IF_ERROR(read_loading(root, &module.max_tokens));
  module.replaces_limit = module.max_tokens.has_value();
  RETURN_IF_ERROR(read_processing(root, &module.max_tokens));
  return module;
}

}  // namespace vivace
