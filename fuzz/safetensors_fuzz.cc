// Any bytes as a safetensors file: parsing must refuse them or hand out views that lie inside them, and loading by name
// must keep its accounts.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "formats/safetensors.h"
#include "formats/weights.h"
#include "temporary_folder.h"

namespace vivace {
namespace {

void touch(const TensorView& view, std::string_view bytes) {
  const auto* const begin = reinterpret_cast<const char*>(view.data);
  CHECK(begin >= bytes.data() && begin + view.bytes() <= bytes.data() + bytes.size());
  unsigned sum = 0;
  for (size_t i = 0; i < view.bytes(); ++i) sum += static_cast<unsigned char>(begin[i]);
  volatile unsigned sink = sum;
  (void)sink;
  std::vector<float> floats(static_cast<size_t>(view.shape.elements()));
  (void)convert_to_f32(view, floats.data());
}

void load(const std::string& directory) {
  const auto files = WeightFiles::open(directory);
  CHECK(files.has_value());
  WeightLoader loader(*files);
  const WeightScope root = loader.root();
  for (const auto& [name, view] : files->tensors()) {
    const bool is_float = view.dtype == DType::kF32 || view.dtype == DType::kF16 || view.dtype == DType::kBF16;
    CHECK((root.tensor(name, view.shape).data != nullptr) == is_float);
    files->release_pages(view);
  }
  bool all_float = true;
  for (const auto& [name, view] : files->tensors()) all_float &= dtype_name(view.dtype).find('F') != std::string::npos;
  CHECK(loader.finish().has_value() == all_float);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TemporaryFolder folder("safetensors_fuzz");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tensors = parse_safetensors(bytes, "fuzz");
  if (!tensors) {
    CHECK(!tensors.error().message.empty());
    return 0;
  }
  for (const auto& [name, view] : *tensors) touch(view, bytes);
  folder.write("model.safetensors", bytes);
  load(folder.path());
  return 0;
}

}  // namespace vivace
