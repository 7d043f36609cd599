#include "formats/cross_encoder.h"

#include <string>

#include "base/utf8.h"
#include "formats/json_file.h"

namespace vivace {
namespace {

std::unexpected<Status> unsupported(const std::string& message) {
  return error(StatusCode::kUnsupported, message);
}

Result<void> check_modules(const std::string& path) {
  if (!file_exists(path)) return {};
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  ASSIGN_OR_RETURN(const auto modules, document.root().as_array());
  for (const JsonValue& module : modules) {
    ASSIGN_OR_RETURN(const std::string type, module.string_or("type", ""));
    ASSIGN_OR_RETURN(const std::string folder, module.string_or("path", ""));
    if (!type.ends_with(".Transformer") || !folder.empty() || modules.size() > 1) {
      return unsupported(path + ": module '" + printable(type) +
                         "' is not supported in a cross-encoder; supported is one Transformer in the model's folder");
    }
  }
  return {};
}

Result<std::optional<CrossEncoderConfig>> read_files(const std::string& directory) {
  const std::string path = directory + "/config_sentence_transformers.json";
  if (!file_exists(path)) return std::nullopt;
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  ASSIGN_OR_RETURN(const std::string type, root.string_or("model_type", ""));
  if (type != "CrossEncoder") return std::nullopt;
  ASSIGN_OR_RETURN(const std::string prompt, root.string_or("default_prompt_name", ""));
  if (!prompt.empty()) return unsupported(path + ": default_prompt_name is not supported in a cross-encoder");
  CrossEncoderConfig config;
  if (const auto activation = root.find("activation_fn")) {
    ASSIGN_OR_RETURN(config.activation, read_rank_activation(*activation));
  }
  RETURN_IF_ERROR(check_modules(directory + "/modules.json"));
  const std::string transformer = directory + "/sentence_bert_config.json";
  if (file_exists(transformer)) {
    ASSIGN_OR_RETURN(config.transformer, read_transformer_module(transformer, "sequence-classification"));
  }
  return config;
}

}  // namespace

Result<std::optional<CrossEncoderConfig>> read_cross_encoder(const std::string& directory) {
  return as_file_error(read_files(directory));
}

}  // namespace vivace
