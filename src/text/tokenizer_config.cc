#include "text/tokenizer_config.h"

#include <filesystem>

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/config_tokens.h"

namespace vivace {
namespace {

constexpr size_t kMaxConfigBytes = size_t{16} << 20;
constexpr int64_t kMaxExtraIds = 100000;

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<std::optional<bool>> read_flag(const JsonValue& root, std::string_view key) {
  const std::optional<JsonValue> value = root.find(key);
  if (!value) return std::optional<bool>();
  ASSIGN_OR_RETURN(const bool flag, value->as_bool());
  return std::optional(flag);
}

Result<TokenizerConfig> read_config(const JsonValue& root) {
  TokenizerConfig config;
  ASSIGN_OR_RETURN(config.tokenizer_class, root.string_or("tokenizer_class", ""));
  if (config.tokenizer_class.ends_with("Fast")) config.tokenizer_class.resize(config.tokenizer_class.size() - 4);
  ASSIGN_OR_RETURN(config.do_lower_case, read_flag(root, "do_lower_case"));
  ASSIGN_OR_RETURN(config.strip_accents, read_flag(root, "strip_accents"));
  ASSIGN_OR_RETURN(config.tokenize_chinese_chars, read_flag(root, "tokenize_chinese_chars"));
  ASSIGN_OR_RETURN(config.add_prefix_space, read_flag(root, "add_prefix_space"));
  ASSIGN_OR_RETURN(config.trim_offsets, root.bool_or("trim_offsets", true));
  ASSIGN_OR_RETURN(config.split_by_punct, root.bool_or("split_by_punct", false));
  ASSIGN_OR_RETURN(const int64_t extra_ids, root.integer_or("extra_ids", 100, 0, kMaxExtraIds));
  config.extra_ids = static_cast<int32_t>(extra_ids);
  ASSIGN_OR_RETURN(config.legacy, root.bool_or("legacy", false));
  ASSIGN_OR_RETURN(config.add_bos_token, root.bool_or("add_bos_token", false));
  ASSIGN_OR_RETURN(config.add_eos_token, root.bool_or("add_eos_token", false));
  return config;
}

// The document of a file that may be missing.
Result<JsonDocument> read_object(const std::string& path) {
  std::string json = "{}";
  if (is_there(path)) {
    ASSIGN_OR_RETURN(json, read_text_file(path, kMaxConfigBytes));
  }
  return JsonDocument::parse(json, path);
}

}  // namespace

std::string TokenizerConfig::token(std::string_view role, std::string_view fallback) const {
  const auto place = special_tokens.find(std::string(role));
  return place != special_tokens.end() ? place->second.content : std::string(fallback);
}

Result<TokenizerConfig> read_tokenizer_config(const std::string& directory) {
  ASSIGN_OR_RETURN(const JsonDocument document, read_object(directory + "/tokenizer_config.json"));
  ASSIGN_OR_RETURN(TokenizerConfig config, read_config(document.root()));
  RETURN_IF_ERROR(read_special_tokens(document.root(), &config));
  RETURN_IF_ERROR(read_extra_tokens_of_config(document.root(), &config));
  if (const std::optional<JsonValue> decoder = document.root().find("added_tokens_decoder")) {
    config.has_decoder = true;
    RETURN_IF_ERROR(read_added_tokens_decoder(*decoder, &config));
    return config;
  }
  ASSIGN_OR_RETURN(const JsonDocument map, read_object(directory + "/special_tokens_map.json"));
  RETURN_IF_ERROR(read_special_tokens(map.root(), &config));
  RETURN_IF_ERROR(read_extra_tokens_of_map(map.root(), &config));
  ASSIGN_OR_RETURN(const JsonDocument added, read_object(directory + "/added_tokens.json"));
  RETURN_IF_ERROR(read_added_token_ids(added.root(), &config));
  return config;
}

}  // namespace vivace
