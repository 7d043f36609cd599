#include "cli/config_edit.h"

#include <filesystem>

#include "base/mapped_file.h"
#include "cli/output_file.h"
#include "server/model_entry_edit.h"

namespace vivace {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

bool is_line_of(std::string_view line, std::string_view key) {
  return line.starts_with(key) && line.substr(key.size()).starts_with(":");
}

// In one step, with the permissions that the file has.
Result<void> replace_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  ASSIGN_OR_RETURN(OutputFile file, OutputFile::open(beside, OutputFile::Existing::kOverwrite));
  std::error_code failed;
  // Before anything is in it: the file may hold keys.
  if (std::filesystem::exists(path)) {
    std::filesystem::permissions(beside, std::filesystem::status(path).permissions(), failed);
  }
  if (failed) return error(StatusCode::kInternal, beside + ": " + failed.message());
  RETURN_IF_ERROR(file.write(text));
  RETURN_IF_ERROR(file.flush());
  std::filesystem::rename(beside, path, failed);
  if (!failed) return {};
  return error(StatusCode::kInternal, path + ": " + failed.message());
}

}  // namespace

std::string with_config_keys(std::string_view yaml, const ConfigKeys& keys) {
  std::string edited;
  std::vector<bool> found(keys.size(), false);
  while (!yaml.empty()) {
    const size_t end = std::min(yaml.find('\n'), yaml.size());
    const std::string_view line = yaml.substr(0, end);
    yaml.remove_prefix(std::min(end + 1, yaml.size()));
    bool replaced = false;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!is_line_of(line, keys[i].first)) continue;
      edited += keys[i].first + ": " + keys[i].second + "\n";
      found[i] = replaced = true;
    }
    if (!replaced) edited.append(line).append("\n");
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!found[i]) edited += keys[i].first + ": " + keys[i].second + "\n";
  }
  return edited;
}

Result<ServerConfig> read_config_file(const std::string& path) {
  ConfigSources sources;
  sources.file = path;
  sources.environment = [](const std::string&) { return nullptr; };
  return load_server_config(sources);
}

Result<void> set_config_keys(const std::string& path, const ConfigKeys& keys) {
  std::string yaml;
  if (std::filesystem::exists(path)) {
    RETURN_IF_ERROR(read_config_file(path));
    ASSIGN_OR_RETURN(yaml, read_text_file(path, kMaxConfigBytes));
  }
  return replace_file(path, with_config_keys(yaml, keys));
}

Result<void> set_model_keys(const std::string& path, const std::vector<std::string>& models, const ConfigKeys& keys) {
  RETURN_IF_ERROR(read_config_file(path));
  ASSIGN_OR_RETURN(const std::string yaml, read_text_file(path, kMaxConfigBytes));
  ASSIGN_OR_RETURN(const std::string edited, with_model_keys(yaml, models, keys));
  return replace_file(path, edited);
}

}  // namespace vivace
