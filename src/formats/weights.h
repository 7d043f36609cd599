// The tensors of a checkpoint by name: one model.safetensors, or the shards that model.safetensors.index.json names.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"
#include "tensor/tensor_view.h"

namespace vivace {

// Owns the mapped files; every view handed out points into them.
class WeightFiles {
 public:
  // Opens directory/model.safetensors, or all shards of directory/model.safetensors.index.json. kNotFound when there is
  // neither, kCorruptFile or kUnsupported (see safetensors.h) when a file, or the index beside its shards, is wrong.
  static Result<WeightFiles> open(const std::string& directory);

  // Names and shapes of tensors whose data stands elsewhere (see PackedFile::tensors()).
  static WeightFiles listing(std::map<std::string, TensorView, std::less<>> tensors);

  // Whether the directory has what open() opens.
  static bool exist(const std::string& directory);

  const std::map<std::string, TensorView, std::less<>>& tensors() const& { return m_tensors; }
  const std::map<std::string, TensorView, std::less<>>& tensors() const&& = delete;  // would outlive the files
  // What open() opened; shards in the order of their names.
  const std::vector<MappedFile>& files() const& { return m_files; }
  const std::vector<MappedFile>& files() const&& = delete;
  // Sum of all tensors' bytes, without headers.
  size_t total_bytes() const { return m_total_bytes; }
  // Lets go of the file pages behind a tensor whose packed copy has been made.
  void release_pages(const TensorView& tensor) const;

 private:
  static Result<WeightFiles> open_single(const std::string& path);
  static Result<WeightFiles> open_sharded(const std::string& directory, const std::string& index_path);
  void count_bytes();
  std::vector<MappedFile> m_files;
  std::map<std::string, TensorView, std::less<>> m_tensors;
  size_t m_total_bytes = 0;
};

// Hands tensors to a model's loader by the names that the checkpoint uses, and keeps account: at the end finish() tells
// of every tensor that was missing, had another shape, holds not-a-number or infinity, or was not used, all at once.
//
//   WeightLoader loader(files);
//   WeightScope layer = loader.root().scope("encoder.layer.3");
//   TensorView w = layer.tensor("output.dense.weight", {384, 1536});   // empty view (data == nullptr) when missing
//   …
//   RETURN_IF_ERROR(loader.finish());
//
// Not thread-safe; used while one thread loads a model.
class WeightLoader;

class WeightScope {
 public:
  WeightScope scope(std::string_view name) const;  // "encoder" → "encoder.layer" …
  // The floating-point tensor of that name and shape. One that is missing, has another shape or holds integers is noted
  // for finish() and answered by an empty view.
  TensorView tensor(std::string_view name, const Shape& shape) const;
  bool has(std::string_view name) const;
  // The name in the checkpoint: "dense.bias" of the scope "pooler" is "pooler.dense.bias".
  std::string full_name(std::string_view name) const;
  // Notes that the tensor of that name holds a value that is not finite.
  void report_not_finite(std::string_view name) const;

 private:
  friend class WeightLoader;
  WeightScope(WeightLoader* loader, std::string prefix) : m_loader(loader), m_prefix(std::move(prefix)) {}
  WeightLoader* m_loader;
  std::string m_prefix;
};

class WeightLoader {
 public:
  explicit WeightLoader(const WeightFiles& files) : m_files(&files) {}

  // Scope of all names. With a prefix ("bert") that some checkpoints put before every name and others leave out, the
  // scope under the prefix when any tensor has it.
  WeightScope root(std::string_view optional_prefix = "");
  // Tensors that may be there without being used, by the beginning of their name ("cls.", "pooler."), with root()'s
  // optional prefix or without it.
  void ignore(std::string_view name_begin);
  // Notes that a tensor, given by its full name, holds a value that is not finite.
  void report_not_finite(std::string_view name);
  // Notes something else that is wrong.
  void report(std::string problem) { note(std::move(problem)); }
  // kCorruptFile listing everything that is wrong (at most 20 lines of it), or success.
  Result<void> finish() const;
  const WeightFiles& files() const { return *m_files; }

 private:
  friend class WeightScope;
  void note(std::string problem);
  const WeightFiles* m_files;
  std::string m_optional_prefix;  // "bert."; empty: none
  std::vector<std::string> m_ignored;
  std::vector<std::string> m_problems;
  std::set<std::string, std::less<>> m_used;
};

// Copies a F32, F16 or BF16 tensor into floats (out has tensor.shape.elements() of them). False when any value is not
// finite, or when the tensor has another dtype. F16 subnormals, infinities and the sign of zero convert exactly.
bool convert_to_f32(const TensorView& tensor, float* out);

}  // namespace vivace
