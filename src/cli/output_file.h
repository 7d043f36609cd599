// Where results go: standard output or a file. Owns the descriptor; buffers; reports a full disk instead of losing
// lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

class OutputFile {
 public:
  // "-" is standard output. kOverwrite empties an existing file, kContinue keeps it and writes behind its end.
  enum class Existing { kOverwrite, kContinue };
  static Result<OutputFile> open(const std::string& path, Existing existing);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // drops what was not flushed

  Result<void> write(std::string_view bytes);
  Result<void> flush();

  // Files only (see seekable()). After these the position is the file's end.
  bool seekable() const { return m_seekable; }
  Result<uint64_t> size() const;
  Result<std::string> read_at(uint64_t offset, size_t count) const;  // shorter at the end of the file
  Result<void> overwrite_at(uint64_t offset, std::string_view bytes);
  Result<void> truncate(uint64_t size);

 private:
  OutputFile(int descriptor, std::string name) : m_descriptor(descriptor), m_name(std::move(name)) {}
  std::unexpected<Status> failed(std::string_view what) const;
  Result<void> write_all(std::string_view bytes);

  int m_descriptor;
  std::string m_name;
  bool m_seekable = false;
  std::string m_buffer;
};

// Whether reading one would be reading what is written to the other: the same regular file by whatever path; "-" is
// standard input, standard output.
bool is_same_file(const std::string& input, const std::string& output);

}  // namespace vivace
