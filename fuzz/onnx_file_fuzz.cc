// Any bytes as an ONNX file: reading its facts must refuse them with one line, or tell sizes that the bytes can hold,
// and never look outside the model's folder.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "base/check.h"
#include "onnx/onnx_file.h"
#include "onnx/proto_reader.h"

namespace vivace {
namespace {

// A folder of this process with model.onnx and a file of weights beside it, gone with the process.
class ModelFolder {
 public:
  ModelFolder() : m_path(std::filesystem::temp_directory_path() / ("onnx_file_fuzz_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(m_path);
    std::ofstream(m_path / "weights.bin", std::ios::binary) << std::string(64, 'w');
  }
  ~ModelFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  void write(std::string_view bytes) const {
    // A new file each time: the mapping of an old one must not change under its reader.
    std::filesystem::remove(m_path / "model.onnx");
    std::ofstream(m_path / "model.onnx", std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string path() const { return m_path.string(); }

 private:
  std::filesystem::path m_path;
};

// The fields of one message lie inside it, one behind the other.
void check_fields(std::string_view message) {
  ProtoReader reader(message);
  const char* before = message.data();
  size_t fields = 0;
  while (const auto field = reader.next()) {
    CHECK(field->number > 0);
    if (field->is_bytes()) {
      CHECK(field->bytes.data() >= before);
      before = field->bytes.data() + field->bytes.size();
      CHECK(before <= message.data() + message.size());
    }
    CHECK(++fields <= message.size());
  }
  CHECK(reader.at_end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ModelFolder folder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_fields(bytes);
  folder.write(bytes);
  const auto facts = read_onnx_file(folder.path(), "model.onnx");
  if (!facts) {
    CHECK(!facts.error().message.empty() && facts.error().message.find('\n') == std::string::npos);
    return 0;
  }
  CHECK(facts->file_bytes >= size);
  return 0;
}

}  // namespace vivace
