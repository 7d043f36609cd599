// A folder of this process for readers that want files, gone with the process.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace vivace {

class TemporaryFolder {
 public:
  // name: the fuzzer's, so that several may run.
  explicit TemporaryFolder(std::string_view name)
      : m_path(std::filesystem::temp_directory_path() / (std::string(name) + "_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(m_path);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // A new file each time: the mapping of an old one must not change under its reader.
  void write(std::string_view name, std::string_view bytes) const {
    remove(name);
    std::ofstream(m_path / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void remove(std::string_view name) const { std::filesystem::remove(m_path / name); }
  std::string path() const { return m_path.string(); }

 private:
  std::filesystem::path m_path;
};

}  // namespace vivace
