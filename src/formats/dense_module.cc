#include "formats/dense_module.h"

#include <string_view>

#include "base/utf8.h"
#include "formats/json_file.h"

namespace vivace {
namespace {

constexpr int64_t kMaxDenseSize = 65'536;

Result<int> read_dense_size(const JsonValue& config, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, config.get(key));
  ASSIGN_OR_RETURN(const int64_t size, value.as_integer(1, kMaxDenseSize));
  return static_cast<int>(size);
}

}  // namespace

Result<DenseModule> read_dense_module(const std::string& folder) {
  const std::string path = folder + "/config.json";
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue config = document.root();
  DenseModule module{.directory = folder, .activation = {}};
  ASSIGN_OR_RETURN(module.inputs, read_dense_size(config, "in_features"));
  ASSIGN_OR_RETURN(module.outputs, read_dense_size(config, "out_features"));
  ASSIGN_OR_RETURN(module.has_bias, config.bool_or("bias", true));
  ASSIGN_OR_RETURN(const bool residual, config.bool_or("use_residual", false));
  if (residual) return error(StatusCode::kUnsupported, path + ": use_residual is not supported");
  for (const std::string_view key : {"module_input_name", "module_output_name"}) {
    ASSIGN_OR_RETURN(const std::string name, config.string_or(key, "sentence_embedding"));
    if (name == "sentence_embedding") continue;
    return error(StatusCode::kUnsupported, path + ": " + std::string(key) + " '" + printable(name) +
                                               "' is not supported; supported is sentence_embedding");
  }
  ASSIGN_OR_RETURN(const std::string activation,
                   config.string_or("activation_function", "torch.nn.modules.activation.Tanh"));
  if (!activation.starts_with("torch.")) {
    return error(StatusCode::kUnsupported,
                 path + ": activation_function '" + printable(activation) + "' is not one of torch's");
  }
  module.activation = activation.substr(activation.find_last_of('.') + 1);
  return module;
}

}  // namespace vivace
