// Any bytes as an ONNX file: reading its facts must refuse them with one line, or tell sizes that the bytes can hold,
// and never look outside the model's folder.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "onnx/onnx_file.h"
#include "onnx/proto_reader.h"
#include "temporary_folder.h"

namespace vivace {
namespace {

// With a file of weights beside the model.
struct ModelFolder {
  ModelFolder() { files.write("weights.bin", std::string(64, 'w')); }
  TemporaryFolder files{"onnx_file_fuzz"};
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
  folder.files.write("model.onnx", bytes);
  const auto facts = read_onnx_file(folder.files.path(), "model.onnx");
  if (!facts) {
    CHECK(!facts.error().message.empty() && facts.error().message.find('\n') == std::string::npos);
    return 0;
  }
  CHECK(facts->file_bytes >= size);
  return 0;
}

}  // namespace vivace
