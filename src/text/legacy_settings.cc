#include "text/legacy_settings.h"

#include <filesystem>

#include "base/json.h"
#include "base/mapped_file.h"

namespace vivace {
namespace {

constexpr size_t kMaxConfigBytes = size_t{16} << 20;
constexpr int64_t kMaxExtraIds = 100000;
constexpr std::string_view kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// A token is text, or an object that has it as "content".
Result<std::string> read_token(const JsonValue& value) {
  if (!value.is_object()) {
    ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
    return std::string(text);
  }
  ASSIGN_OR_RETURN(const JsonValue content, value.get("content"));
  ASSIGN_OR_RETURN(const std::string_view text, content.as_string());
  return std::string(text);
}

Result<LegacySettings> read_config(const JsonValue& root, const LegacyDefaults& defaults) {
  LegacySettings settings;
  ASSIGN_OR_RETURN(settings.tokenizer_class, root.string_or("tokenizer_class", ""));
  if (settings.tokenizer_class.ends_with("Fast")) settings.tokenizer_class.resize(settings.tokenizer_class.size() - 4);
  ASSIGN_OR_RETURN(settings.do_lower_case, root.bool_or("do_lower_case", defaults.do_lower_case));
  if (const std::optional<JsonValue> strip = root.find("strip_accents")) {
    ASSIGN_OR_RETURN(settings.strip_accents, strip->as_bool());
  }
  ASSIGN_OR_RETURN(settings.tokenize_chinese_chars, root.bool_or("tokenize_chinese_chars", true));
  ASSIGN_OR_RETURN(settings.add_prefix_space, root.bool_or("add_prefix_space", defaults.add_prefix_space));
  ASSIGN_OR_RETURN(settings.trim_offsets, root.bool_or("trim_offsets", true));
  ASSIGN_OR_RETURN(settings.split_by_punct, root.bool_or("split_by_punct", false));
  ASSIGN_OR_RETURN(const int64_t extra_ids, root.integer_or("extra_ids", 100, 0, kMaxExtraIds));
  settings.extra_ids = static_cast<int32_t>(extra_ids);
  for (const std::string_view role : kRoles) {
    const std::optional<JsonValue> value = root.find(role);
    if (!value) continue;
    ASSIGN_OR_RETURN(settings.special_tokens[std::string(role)], read_token(*value));
  }
  return settings;
}

}  // namespace

std::string LegacySettings::token(std::string_view role, std::string_view fallback) const {
  const auto place = special_tokens.find(std::string(role));
  return place != special_tokens.end() ? place->second : std::string(fallback);
}

Result<LegacySettings> read_legacy_settings(const std::string& directory, const LegacyDefaults& defaults) {
  if (is_there(directory + "/added_tokens.json")) {
    return error(StatusCode::kUnsupported, directory +
                                               "/added_tokens.json: added tokens are only read from a tokenizer.json; "
                                               "save the tokenizer with transformers to get one");
  }
  const std::string path = directory + "/tokenizer_config.json";
  std::string json = "{}";
  if (is_there(path)) {
    ASSIGN_OR_RETURN(json, read_text_file(path, kMaxConfigBytes));
  }
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(json, path));
  return read_config(document.root(), defaults);
}

}  // namespace vivace
