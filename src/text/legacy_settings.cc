#include "text/legacy_settings.h"

#include <filesystem>

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/legacy_token_files.h"

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

Result<LegacySettings> read_config(const JsonValue& root) {
  LegacySettings settings;
  ASSIGN_OR_RETURN(settings.tokenizer_class, root.string_or("tokenizer_class", ""));
  if (settings.tokenizer_class.ends_with("Fast")) settings.tokenizer_class.resize(settings.tokenizer_class.size() - 4);
  ASSIGN_OR_RETURN(settings.do_lower_case, read_flag(root, "do_lower_case"));
  ASSIGN_OR_RETURN(settings.strip_accents, read_flag(root, "strip_accents"));
  ASSIGN_OR_RETURN(settings.tokenize_chinese_chars, read_flag(root, "tokenize_chinese_chars"));
  ASSIGN_OR_RETURN(settings.add_prefix_space, read_flag(root, "add_prefix_space"));
  ASSIGN_OR_RETURN(settings.trim_offsets, root.bool_or("trim_offsets", true));
  ASSIGN_OR_RETURN(settings.split_by_punct, root.bool_or("split_by_punct", false));
  ASSIGN_OR_RETURN(const int64_t extra_ids, root.integer_or("extra_ids", 100, 0, kMaxExtraIds));
  settings.extra_ids = static_cast<int32_t>(extra_ids);
  ASSIGN_OR_RETURN(settings.legacy, root.bool_or("legacy", false));
  ASSIGN_OR_RETURN(settings.add_bos_token, root.bool_or("add_bos_token", false));
  ASSIGN_OR_RETURN(settings.add_eos_token, root.bool_or("add_eos_token", false));
  return settings;
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

std::string LegacySettings::token(std::string_view role, std::string_view fallback) const {
  const auto place = special_tokens.find(std::string(role));
  return place != special_tokens.end() ? place->second.content : std::string(fallback);
}

Result<LegacySettings> read_legacy_settings(const std::string& directory) {
  ASSIGN_OR_RETURN(const JsonDocument config, read_object(directory + "/tokenizer_config.json"));
  ASSIGN_OR_RETURN(LegacySettings settings, read_config(config.root()));
  RETURN_IF_ERROR(read_legacy_special_tokens(config.root(), &settings));
  RETURN_IF_ERROR(read_extra_tokens_of_config(config.root(), &settings));
  if (const std::optional<JsonValue> decoder = config.root().find("added_tokens_decoder")) {
    settings.has_decoder = true;
    RETURN_IF_ERROR(read_added_tokens_decoder(*decoder, &settings));
    return settings;
  }
  ASSIGN_OR_RETURN(const JsonDocument map, read_object(directory + "/special_tokens_map.json"));
  RETURN_IF_ERROR(read_legacy_special_tokens(map.root(), &settings));
  RETURN_IF_ERROR(read_extra_tokens_of_map(map.root(), &settings));
  ASSIGN_OR_RETURN(const JsonDocument added, read_object(directory + "/added_tokens.json"));
  RETURN_IF_ERROR(read_added_token_ids(added.root(), &settings));
  return settings;
}

}  // namespace vivace
