#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "formats/json_file.h"
#include "formats/problem_list.h"
#include "formats/safetensors.h"
#include "formats/weights.h"

namespace vivace {
namespace {

constexpr size_t kMaxIndexBytes = 64 << 20;
constexpr size_t kMaxShards = 1024;

// Tensor name → name of its shard's file.
using WeightMap = std::map<std::string, std::string, std::less<>>;

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

Result<WeightMap> read_weight_map(const JsonValue& root) {
  ASSIGN_OR_RETURN(const JsonValue map, root.get("weight_map"));
  ASSIGN_OR_RETURN(const auto members, map.as_object());
  if (members.empty()) return map.fail("names no tensors");
  WeightMap shards;
  for (const auto& [tensor, value] : members) {
    ASSIGN_OR_RETURN(const std::string_view shard, value.as_string());
    if (!is_plain_file_name(shard)) {
      return value.fail("'" + printable(shard) + "' is not a plain file name; shards stand beside the index");
    }
    shards.emplace(tensor, shard);
  }
  return shards;
}

Result<MappedFile> open_shard(const std::string& path, const std::string& index_path) {
  auto file = MappedFile::open(path);
  if (!file && file.error().code == StatusCode::kNotFound) {
    return error(StatusCode::kCorruptFile, index_path + ": names the shard " + path + ", which is missing");
  }
  return file;
}

}  // namespace

bool WeightFiles::exist(const std::string& directory) {
  return file_exists(directory + "/model.safetensors") || file_exists(directory + "/model.safetensors.index.json");
}

WeightFiles WeightFiles::listing(std::map<std::string, TensorView, std::less<>> tensors) {
  WeightFiles files;
  files.m_tensors = std::move(tensors);
  files.count_bytes();
  return files;
}

Result<WeightFiles> WeightFiles::open(const std::string& directory) {
  const std::string single = directory + "/model.safetensors";
  const std::string index = directory + "/model.safetensors.index.json";
  if (file_exists(single)) return open_single(single);
  if (file_exists(index)) return open_sharded(directory, index);
  std::string message = directory + ": has neither model.safetensors nor model.safetensors.index.json";
  if (file_exists(directory + "/pytorch_model.bin")) {
    message += "; pytorch_model.bin is not read, save the model with safe_serialization=True";
  }
  return error(StatusCode::kNotFound, std::move(message));
}

Result<WeightFiles> WeightFiles::open_single(const std::string& path) {
  WeightFiles files;
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::open(path));
  ASSIGN_OR_RETURN(files.m_tensors, parse_safetensors(file.bytes(), path));
  files.m_files.push_back(std::move(file));
  files.count_bytes();
  return files;
}

Result<WeightFiles> WeightFiles::open_sharded(const std::string& directory, const std::string& index_path) {
  ASSIGN_OR_RETURN(const JsonDocument index, read_json_file(index_path, kMaxIndexBytes));
  ASSIGN_OR_RETURN(const WeightMap map, as_file_error(read_weight_map(index.root())));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map) shards.insert(shard);
  if (shards.size() > kMaxShards) {
    return error(StatusCode::kCorruptFile, index_path + ": names " + std::to_string(shards.size()) +
                                               " shards, more than the limit of " + std::to_string(kMaxShards));
  }
  WeightFiles files;
  std::vector<std::string> problems;
  for (const std::string& shard : shards) {
    const std::string path = directory + "/" + shard;
    ASSIGN_OR_RETURN(MappedFile file, open_shard(path, index_path));
    ASSIGN_OR_RETURN(const auto tensors, parse_safetensors(file.bytes(), path));
    for (const auto& [name, view] : tensors) {
      const auto mapped = map.find(name);
      if (mapped != map.end() && mapped->second == shard) {
        files.m_tensors.emplace(name, view);
      } else {
        problems.push_back("'" + printable(name) + "' is in " + printable(shard) + ", but the index does not say so");
      }
    }
    files.m_files.push_back(std::move(file));
  }
  for (const auto& [name, shard] : map) {
    if (!files.m_tensors.contains(name)) {
      problems.push_back("'" + printable(name) + "' is not in " + printable(shard) + ", where the index puts it");
    }
  }
  if (!problems.empty()) {
    return error(StatusCode::kCorruptFile, index_path + ": does not fit its shards: " + list_problems(problems));
  }
  files.count_bytes();
  return files;
}

void WeightFiles::count_bytes() {
  for (const auto& [name, view] : m_tensors) m_total_bytes += view.bytes();
}

void WeightFiles::release_pages(const TensorView& tensor) const {
  if (tensor.data == nullptr) return;
  const std::string_view range(reinterpret_cast<const char*>(tensor.data), tensor.bytes());
  for (const MappedFile& file : m_files) {
    const std::string_view bytes = file.bytes();
    if (range.data() >= bytes.data() && range.data() + range.size() <= bytes.data() + bytes.size()) {
      file.release_pages(range);
      return;
    }
  }
}

}  // namespace vivace
