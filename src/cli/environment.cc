#include "cli/environment.h"

#include <cstdlib>
#include <filesystem>

#include <unistd.h>

namespace vivace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

std::string user_cache_folder() {
  if (const auto cache = environment_variable("XDG_CACHE_HOME")) return *cache;
  if (const auto home = environment_variable("HOME")) return *home + "/.cache";
  std::error_code failed;
  const auto temporary = std::filesystem::temp_directory_path(failed);
  return (failed ? std::string("/tmp") : temporary.string()) + "/cache-" + std::to_string(getuid());
}

std::string own_models_folder() {
  return user_cache_folder() + "/vivace/models";
}

std::string hugging_face_cache_folder() {
  if (const auto cache = environment_variable("HF_HUB_CACHE")) return *cache;
  if (const auto home = environment_variable("HF_HOME")) return *home + "/hub";
  return user_cache_folder() + "/huggingface/hub";
}

}  // namespace vivace
