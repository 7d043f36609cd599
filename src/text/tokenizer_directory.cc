#include <filesystem>

#include "text/legacy_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_overrides.h"

namespace vivace {

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_directory(const std::string& directory,
                                                                   std::string_view model_type) {
  const std::string path = directory + "/tokenizer.json";
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    ASSIGN_OR_RETURN(const TokenizerOverrides overrides, read_tokenizer_overrides(directory));
    return from_file(path, overrides);
  }
  ASSIGN_OR_RETURN(const std::string json, legacy_tokenizer_json(directory, model_type));
  return from_json(json, directory);
}

}  // namespace vivace
