// Vivace's packed file: a model's weights as its layers hold them in memory, for one kernel table and one precision, to
// be mapped instead of converted. Beside them stand the names and shapes of the checkpoint's tensors and its small
// files (configuration, tokenizer), so that the file alone is a model.
//
//   header, 64 bytes  "VIVACEPK", version, index's begin and size, file size, checksum of all that follows the header
//   sections          numbers, each on a boundary of 64 bytes
//   index             JSON: what stands where
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"
#include "tensor/precision.h"
#include "tensor/tensor_view.h"

namespace vivace {

inline constexpr uint32_t kPackedFileVersion = 3;

struct PackedFileInfo {
  std::string table;  // kernel table that the panels are laid out for
  Precision precision = Precision::kF32;
  std::vector<std::string> kept_in_bf16;  // layers of an int8 model
  std::string source;                     // fingerprint() of the checkpoint
};

struct PackedHeader;
using TensorMap = std::map<std::string, TensorView, std::less<>>;

// Immutable once open; what it hands out keeps it mapped. Thread-safe.
class PackedFile : public std::enable_shared_from_this<PackedFile> {
 public:
  // kNotFound; kUnsupported for another version; kCorruptFile, saying what is wrong, when the header or the index is
  // not what PackedFileWriter writes. Whether the numbers are still those that were written, verify() tells.
  static Result<std::shared_ptr<const PackedFile>> open(const std::string& path);
  // The same on bytes in memory, aligned to 64, which `owner` keeps.
  static Result<std::shared_ptr<const PackedFile>> parse(std::string_view bytes, std::shared_ptr<const void> owner,
                                                         const std::string& path);

  // The same in memory of its own, that the calling thread is the first to touch.
  Result<std::shared_ptr<const PackedFile>> copy() const;

  // Reads the whole file, the first time: kCorruptFile when its checksum is another. To be called before weights are
  // used.
  Result<void> verify() const;

  const std::string& path() const { return m_path; }
  size_t bytes() const { return m_bytes.size(); }
  const PackedFileInfo& info() const { return m_info; }
  // Of the checkpoint: names, types and shapes. Their data is not here and must not be read.
  const TensorMap& tensors() const { return m_tensors; }
  bool has_matrix(std::string_view key) const { return m_matrices.contains(key); }
  std::optional<PackedMatrix> matrix(std::string_view key) const;
  // Of the matrices that have some.
  std::map<std::string, std::vector<int32_t>> outliers() const;
  // Empty when there are none of that name.
  AlignedBuffer<float> floats(std::string_view key) const;
  const std::map<std::string, std::string_view, std::less<>>& files() const { return m_files; }

 private:
  friend class PackedIndexReader;
  struct Section {
    size_t begin = 0;
    size_t bytes = 0;
  };
  struct Matrix {
    int k = 0;
    int n = 0;
    PanelLayout layout;
    Section data;
    Section scales;
    Section offsets;
    std::vector<int32_t> outliers;
    Section outlier_weights;
  };
  static Result<void> read_index(PackedFile& file, const PackedHeader& header);
  template <typename T>
  AlignedBuffer<T> view(const Section& section) const;
  std::string m_path;
  uint64_t m_checksum = 0;
  mutable std::once_flag m_once;
  mutable bool m_is_intact = false;  // written once
  std::string_view m_bytes;
  std::shared_ptr<const void> m_owner;
  PackedFileInfo m_info;
  TensorMap m_tensors;
  std::map<std::string, Matrix, std::less<>> m_matrices;
  std::map<std::string, Section, std::less<>> m_floats;
  std::map<std::string, std::string_view, std::less<>> m_files;
};

// Writes such a file, part by part; it appears under its name when finish() succeeds. A failure is told by finish().
class PackedFileWriter {
 public:
  explicit PackedFileWriter(const std::string& path);
  ~PackedFileWriter();
  PackedFileWriter(const PackedFileWriter&) = delete;
  PackedFileWriter& operator=(const PackedFileWriter&) = delete;

  // A key that was there already is left as it is: layers may share tensors.
  void add_matrix(const std::string& key, const PackedMatrix& matrix);
  void add_floats(const std::string& key, std::span<const float> values);
  void add_file(const std::string& name, std::string_view content);
  void add_tensors(const TensorMap& tensors);
  Result<void> finish(const PackedFileInfo& info);

 private:
  struct Parts;
  std::unique_ptr<Parts> m_parts;
};

// Tells one state of a directory's weight files from another: sizes, and a checksum of their first and last bytes.
// Empty: there are none.
std::string fingerprint(const std::string& directory);

}  // namespace vivace
