// A read-only file mapped into memory. Owns the mapping; views into it must not outlive it. Thread-safe once open.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

class MappedFile {
 public:
  // Maps a regular file. kNotFound when it is missing, kInternal (with the system's reason) when it cannot be mapped.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const& { return {m_data, m_size}; }
  std::string_view bytes() const&& = delete;  // the view would outlive the mapping

  // Tells the system that a range is not needed for now; its pages are read again from the file if it is touched.
  void release_pages(std::string_view range) const;

 private:
  MappedFile(const char* data, size_t size) : m_data(data), m_size(size) {}
  const char* m_data = nullptr;
  size_t m_size = 0;
};

// The whole content of a small text file. kTooLarge over max_bytes, kNotFound when missing.
Result<std::string> read_text_file(const std::string& path, size_t max_bytes);

}  // namespace vivace
