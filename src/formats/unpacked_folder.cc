#include "formats/unpacked_folder.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "formats/packed_layout.h"

namespace vivace {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = 64 << 20;
constexpr int kMaxDepth = 1;  // modules are folders of the model's

bool stays_inside(const fs::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  for (const fs::path& part : name) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return name.string().find('\0') == std::string::npos;
}

bool is_wanted(const fs::directory_entry& entry, int depth) {
  static const std::set<std::string> kExtensions = {".json", ".txt", ".model"};
  const fs::path& path = entry.path();
  if (!entry.is_regular_file() || path.string().ends_with(".index.json")) return false;
  // Weights of Dense modules are small, and read where they stand.
  return kExtensions.contains(path.extension().string()) || (depth > 0 && path.filename() == "model.safetensors");
}

}  // namespace

UnpackedFolder::~UnpackedFolder() {
  std::error_code ignored;  // temporary files that cannot be removed are the system's business
  fs::remove_all(m_path, ignored);
}

Result<std::shared_ptr<const UnpackedFolder>> UnpackedFolder::create(const PackedFile& packed) {
  std::error_code failure;
  std::string path = (fs::temp_directory_path(failure) / "vivace-model-XXXXXX").string();
  if (failure || ::mkdtemp(path.data()) == nullptr) {
    return error(StatusCode::kInternal, packed.path() + ": needs a folder for temporary files; set TMPDIR to one");
  }
  auto folder = std::make_shared<const UnpackedFolder>(path);
  for (const auto& [name, content] : packed.files()) {
    if (!stays_inside(name)) {
      return error(StatusCode::kCorruptFile, packed.path() + ": has a file named '" + printable(name) + "'");
    }
    const fs::path target = fs::path(path) / name;
    fs::create_directories(target.parent_path(), failure);
    std::ofstream file(target, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) return error(StatusCode::kInternal, target.string() + ": cannot be written (is the disk full?)");
  }
  return folder;
}

bool is_packed_file(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  char magic[sizeof kPackedMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::memcmp(magic, kPackedMagic, sizeof magic) == 0;
}

Result<void> add_model_files(const std::string& directory, PackedFileWriter* writer) {
  std::error_code failure;
  for (auto entry = fs::recursive_directory_iterator(directory, failure); entry != fs::recursive_directory_iterator();
       entry.increment(failure)) {
    if (entry->is_directory() && entry.depth() >= kMaxDepth) entry.disable_recursion_pending();
    if (!is_wanted(*entry, entry.depth()) || entry->file_size() > kMaxFileBytes) continue;
    ASSIGN_OR_RETURN(const std::string content, read_text_file(entry->path().string(), kMaxFileBytes));
    writer->add_file(fs::path(entry->path()).lexically_relative(directory).string(), content);
  }
  if (!failure) return {};
  return error(StatusCode::kInternal, directory + ": cannot be read: " + failure.message());
}

std::string packed_file_name(std::string_view table, Precision precision) {
  return "vivace-" + std::string(table) + "-" + std::string(precision_name(precision)) + ".packed";
}

}  // namespace vivace
