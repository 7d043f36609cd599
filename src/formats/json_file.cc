#include "formats/json_file.h"

#include <filesystem>
#include <system_error>

#include "base/mapped_file.h"

namespace vivace {

Result<JsonDocument> read_json_file(const std::string& path, size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path, max_bytes));
  return as_file_error(JsonDocument::parse(text, path));
}

bool file_exists(const std::string& path) {
  std::error_code ignored;  // what cannot be looked at cannot be read either
  return std::filesystem::exists(path, ignored);
}

}  // namespace vivace
