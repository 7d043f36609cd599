#include "formats/model_directory.h"

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "formats/json_file.h"
#include "formats/sentence_embedding.h"

namespace vivace {
namespace {

// Tokenizers without a limit say so by a number like 10^30; no model reads this many tokens at once.
constexpr double kNoTokenLimit = 1e9;

struct TokenizerConfig {
  std::optional<int> max_tokens;
  bool lowercases = false;
};

Result<TokenizerConfig> read_tokenizer_config(const std::string& path) {
  TokenizerConfig config;
  if (!file_exists(path)) return config;
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  if (const auto length = root.find("model_max_length")) {
    ASSIGN_OR_RETURN(const double tokens, length->as_double());
    if (tokens < kNoTokenLimit) {
      ASSIGN_OR_RETURN(const int64_t whole, length->as_integer(1, static_cast<int64_t>(kNoTokenLimit)));
      config.max_tokens = static_cast<int>(whole);
    }
  }
  ASSIGN_OR_RETURN(config.lowercases, root.bool_or("do_lower_case", false));
  return config;
}

Result<std::string> read_model_type(const JsonValue& config) {
  ASSIGN_OR_RETURN(const JsonValue value, config.get("model_type"));
  ASSIGN_OR_RETURN(const std::string_view type, value.as_string());
  if (type.empty()) return value.fail("is empty, expected an architecture such as \"bert\"");
  return std::string(type);
}

}  // namespace

std::string_view pooling_mode_name(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kMean: return "mean";
    case PoolingMode::kCls: return "cls";
    case PoolingMode::kLast: return "last";
    case PoolingMode::kNone: return "none";
  }
  return "?";
}

Result<PoolingMode> parse_pooling_mode(std::string_view name) {
  for (const PoolingMode mode : {PoolingMode::kMean, PoolingMode::kCls, PoolingMode::kLast, PoolingMode::kNone}) {
    if (name == pooling_mode_name(mode)) return mode;
  }
  return error(StatusCode::kInvalidArgument,
               "pooling mode '" + printable(name) + "' is unknown; use mean, cls, last or none");
}

Result<ModelDirectory> ModelDirectory::open(const std::string& path) {
  std::error_code ignored;  // a folder that cannot be looked at is not there for us
  if (!std::filesystem::is_directory(path, ignored)) {
    return error(StatusCode::kNotFound, path + ": there is no such model folder");
  }
  ASSIGN_OR_RETURN(JsonDocument document, read_json_file(path + "/config.json"));
  ModelDirectory directory(std::move(document));
  directory.m_path = path;
  ASSIGN_OR_RETURN(directory.m_model_type, as_file_error(read_model_type(directory.config())));
  ASSIGN_OR_RETURN(const TokenizerConfig tokenizer,
                   as_file_error(read_tokenizer_config(path + "/tokenizer_config.json")));
  directory.m_tokenizer_max_tokens = tokenizer.max_tokens;
  ASSIGN_OR_RETURN(directory.m_sentence_embedding,
                   read_sentence_embedding({.directory = path, .tokenizer_lowercases = tokenizer.lowercases}));
  return directory;
}

}  // namespace vivace
