#include "cli/weights_checksum.h"

#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/mapped_file.h"
#include "cli/digest.h"
#include "formats/model_directory.h"
#include "formats/weights.h"
#include "kernels/registry.h"
#include "models/load_target.h"
#include "onnx/onnx_file.h"

namespace vivace {
namespace {

struct Checksum {
  std::string of;  // what was read
  std::string hex;
};

Result<Checksum> of_file(const std::string& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  Digest digest = Digest::sha256();
  digest.update(file.bytes());
  return Checksum{.of = path, .hex = digest.hex()};
}

Result<Checksum> of_shards(const std::string& directory) {
  ASSIGN_OR_RETURN(const WeightFiles shards, WeightFiles::open(directory));
  Digest digest = Digest::sha256();
  for (const MappedFile& shard : shards.files()) digest.update(shard.bytes());
  return Checksum{
      .of = fmt::format("{}: the {} shards of model.safetensors.index.json together", directory, shards.files().size()),
      .hex = digest.hex()};
}

Result<Checksum> of_onnx_file(const std::string& directory, const std::string& file) {
  ASSIGN_OR_RETURN(const OnnxFileFacts facts, read_onnx_file(directory, file));
  ASSIGN_OR_RETURN(Checksum checksum, of_file((std::filesystem::path(directory) / file).string()));
  std::error_code ignored;
  if (facts.file_bytes == std::filesystem::file_size(checksum.of, ignored)) return checksum;
  return error(StatusCode::kUnsupported,
               checksum.of + " keeps weights in other files, so a checksum says nothing; save it as one file");
}

Result<Checksum> of_weights(const std::string& path, const EngineOptions& options) {
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(path));
  ASSIGN_OR_RETURN(const TargetChoice choice, consider_targets(directory, *kernels, options.precision));
  if (choice.target.packed != nullptr) return of_file(choice.target.packed->path());
  const std::string single = path + "/model.safetensors";
  std::error_code ignored;
  if (std::filesystem::exists(single, ignored)) return of_file(single);
  if (WeightFiles::exist(path)) return of_shards(path);
  if (const std::optional<std::string> file = find_onnx_file(path)) return of_onnx_file(path, *file);
  return of_shards(path);  // whose error says what is missing
}

}  // namespace

Result<void> check_weights_sha256(const std::string& directory, const EngineOptions& options,
                                  const std::string& expected) {
  if (expected.empty()) return {};
  ASSIGN_OR_RETURN(const Checksum found, of_weights(directory, options));
  if (CLI::detail::to_lower(expected) == found.hex) return {};
  return error(StatusCode::kCorruptFile,
               fmt::format("{}: the SHA-256 is {}, expected {}; the model is not used", found.of, found.hex, expected));
}

}  // namespace vivace
