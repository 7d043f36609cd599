#include "store/store_check.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <unistd.h>

#include "store/evidence_store.h"
#include "store/postgres_database.h"

namespace vivace {
namespace {

// The first bytes of every database file. https://www.sqlite.org/fileformat.html#magic_header_string
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

std::unexpected<Status> unusable(const std::string& path, const std::string& why) {
  return error(StatusCode::kInvalidArgument, "the store '" + path + "' cannot be opened: " + why);
}

Result<void> check_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return unusable(path, "it is a folder; name a file");
  if (access(path.c_str(), R_OK | W_OK) != 0) return unusable(path, std::strerror(errno));
  std::ifstream file(path, std::ios::binary);
  std::string begin(kMagic.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  // An empty file becomes a store.
  if (file.gcount() == 0 || begin == kMagic) return {};
  return unusable(path, "it is no store; name another file");
}

Result<void> check_folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? std::string(".") : parent.string();
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) return unusable(path, "there is no folder '" + folder + "'");
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return unusable(path, "folder '" + folder + "': " + std::strerror(errno));
  }
  return {};
}

}  // namespace

Result<void> check_evidence_store(const std::string& location) {
  if (is_postgres_address(location)) {
    RETURN_IF_ERROR(PostgresConnection::open(location));
    return {};
  }
  return check_store_file(location);
}

Result<void> check_store_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? check_file(path) : check_folder(path);
}

}  // namespace vivace
