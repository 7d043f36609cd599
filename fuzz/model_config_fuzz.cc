// Any bytes as the JSON files of a model folder, with a NUL between one and the next: config.json,
// generation_config.json, tokenizer_config.json, modules.json, 1_Pooling/config.json. Opening the folder and loading
// each kind of model out of it must refuse with a line (or a list); no size that only a configuration claims may take
// memory.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/check.h"
#include "formats/model_directory.h"
#include "heads/generation_options.h"
#include "heads/head_loading.h"
#include "kernels/registry.h"
#include "models/encoder.h"
#include "models/encoder_decoder.h"
#include "temporary_folder.h"

namespace vivace {
namespace {

constexpr std::array kFiles = {"config.json", "generation_config.json", "tokenizer_config.json", "modules.json",
                               "1_Pooling/config.json"};

// A folder whose checkpoint has no tensor that anybody asks for.
class ModelFolder {
 public:
  ModelFolder() {
    std::filesystem::create_directories(m_folder.path() + "/1_Pooling");
    const std::string_view header = "{\"one\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    const std::string length = static_cast<char>(header.size()) + std::string(7, '\0');
    m_folder.write("model.safetensors", length + std::string(header) + std::string(4, '\0'));
  }
  // Parts that are missing or empty are files that are missing.
  void write(std::string_view bytes) const {
    for (const char* const name : kFiles) {
      const std::string_view part = bytes.substr(0, bytes.find('\0'));
      bytes.remove_prefix(std::min(bytes.size(), part.size() + 1));
      part.empty() ? m_folder.remove(name) : m_folder.write(name, part);
    }
  }
  std::string path() const { return m_folder.path(); }

 private:
  TemporaryFolder m_folder{"model_config_fuzz"};
};

// One line, or one and an indented list of what is wrong with the weights; nothing of the files that a terminal would
// act upon.
void check_message(const Status& status) {
  const std::string_view message = status.message;
  CHECK(!message.empty());
  for (size_t i = 0; i < message.size(); ++i) {
    CHECK(static_cast<unsigned char>(message[i]) >= ' ' || message.substr(i, 3) == "\n  ");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ModelFolder folder;
  folder.write({reinterpret_cast<const char*>(data), size});
  const auto directory = ModelDirectory::open(folder.path());
  if (!directory) {
    check_message(directory.error());
    return 0;
  }
  const KernelTable& kernels = *kernel_tables()[0].table;
  const auto encoder = load_encoder(*directory, kernels);
  CHECK(!encoder.has_value());  // nothing that it needs is there
  check_message(encoder.error());
  const auto model = load_encoder_decoder(*directory, kernels);
  CHECK(!model.has_value());
  check_message(model.error());
  constexpr int kVocabulary = 100;
  if (const auto tokens = read_generation_tokens(*directory, kVocabulary); tokens.has_value()) {
    CHECK(tokens->start >= 0 && tokens->start < kVocabulary);
    for (const int32_t end : tokens->ends) CHECK(end >= 0 && end < kVocabulary);
  } else {
    check_message(tokens.error());
  }
  (void)writes_text(*directory);
  EncoderInfo info;
  info.architecture = directory->model_type();
  info.hidden_size = 8;
  info.vocabulary_size = kVocabulary;
  if (const auto head = load_head(*directory, info, kernels); !head.has_value()) check_message(head.error());
  return 0;
}

}  // namespace vivace
