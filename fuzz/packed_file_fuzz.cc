// Any bytes as a packed model. Its header is made right first, or it would turn everything away: what is read
// must be refused or lie inside the bytes, and its small files must stay in their folder.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "formats/packed_file.h"
#include "formats/packed_layout.h"
#include "formats/unpacked_folder.h"
#include "tensor/aligned_buffer.h"

namespace vivace {
namespace {

template <typename T>
void touch(const T* data, size_t count, std::string_view bytes) {
  const auto* const begin = reinterpret_cast<const char*>(data);
  CHECK(count == 0 || (begin >= bytes.data() && begin + count * sizeof(T) <= bytes.data() + bytes.size()));
}

void correct_header(std::byte* data, size_t size) {
  if (size < sizeof(PackedHeader)) return;
  PackedHeader header;
  std::memcpy(&header, data, sizeof header);
  std::memcpy(header.magic, kPackedMagic, sizeof header.magic);
  header.version = kPackedFileVersion;
  header.file_bytes = size;
  header.index_begin %= size;
  header.index_bytes %= size;
  std::memcpy(data, &header, sizeof header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto buffer = std::make_shared<AlignedBuffer<std::byte>>(size + 1);
  if (size > 0) std::memcpy(buffer->data(), data, size);
  correct_header(buffer->data(), size);
  const std::string_view bytes(reinterpret_cast<const char*>(buffer->data()), size);
  const auto packed = PackedFile::parse(bytes, buffer, "fuzz");
  if (!packed) {
    CHECK(!packed.error().message.empty());
    return 0;
  }
  for (const auto& [name, tensor] : (*packed)->tensors()) {
    CHECK(tensor.data != nullptr);
    if (const auto matrix = (*packed)->matrix(name)) {
      touch(matrix->parts().data.data(), matrix->parts().data.size(), bytes);
      touch(matrix->scales(), matrix->parts().scales.size(), bytes);
      touch(matrix->offsets(), matrix->parts().offsets.size(), bytes);
      touch(matrix->outlier_weights(), matrix->parts().outlier_weights.size(), bytes);
      CHECK(PackedMatrix::are_outliers(matrix->outliers(), matrix->k()));
    }
    const AlignedBuffer<float> floats = (*packed)->floats(name);
    touch(floats.data(), floats.size(), bytes);
  }
  for (const auto& [name, content] : (*packed)->files()) touch(content.data(), content.size(), bytes);
  (void)UnpackedFolder::create(**packed);
  return 0;
}

}  // namespace vivace
