// The small files of a packed model in a folder of their own, for the readers that want a model directory.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "formats/packed_file.h"

namespace vivace {

class UnpackedFolder {
 public:
  // Writes the files into a new folder of the system's temporary ones; kCorruptFile for names that lead out of it.
  static Result<std::shared_ptr<const UnpackedFolder>> create(const PackedFile& packed);
  explicit UnpackedFolder(std::string path) : m_path(std::move(path)) {}
  ~UnpackedFolder();  // removes it
  UnpackedFolder(const UnpackedFolder&) = delete;
  UnpackedFolder& operator=(const UnpackedFolder&) = delete;
  const std::string& path() const { return m_path; }

 private:
  std::string m_path;
};

// Whether the path is a file that begins as a packed model does.
bool is_packed_file(const std::string& path);

// Adds a model directory's files that a packed model needs besides the weights: configuration, tokenizer, modules.
Result<void> add_model_files(const std::string& directory, PackedFileWriter* writer);

// "vivace-avx2-int8.packed": where a packed model is looked for beside the checkpoint.
std::string packed_file_name(std::string_view table, Precision precision);

}  // namespace vivace
