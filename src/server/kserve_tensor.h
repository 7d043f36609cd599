// Tensors as bytes, as KServe's binary extension and its gRPC messages carry them: numbers little-endian, of texts
// (BYTES) each behind its length in 4 bytes. Everything is inline: the gRPC module has no other code of ours.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/kserve_message.h"

namespace vivace {

static_assert(std::endian::native == std::endian::little);

inline constexpr size_t kKserveLengthBytes = 4;

// kInvalidArgument where the lengths do not add up, kTooLarge for more than max_texts. What the texts hold is not
// looked at.
inline Result<std::vector<std::string>> decode_kserve_texts(std::string_view bytes, size_t max_texts) {
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    uint32_t length = 0;
    if (bytes.size() < kKserveLengthBytes) {
      return error(StatusCode::kInvalidArgument,
                   "its bytes end within a length; each text stands behind 4 bytes of it");
    }
    std::memcpy(&length, bytes.data(), kKserveLengthBytes);
    bytes.remove_prefix(kKserveLengthBytes);
    if (length > bytes.size()) {
      return error(StatusCode::kInvalidArgument, "a text has " + std::to_string(length) + " bytes, but only " +
                                                     std::to_string(bytes.size()) + " are there");
    }
    if (texts.size() == max_texts) {
      return error(StatusCode::kTooLarge,
                   "has more than the " + std::to_string(max_texts) + " texts of one request; send several requests");
    }
    texts.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return texts;
}

inline void append_bytes(const KserveOutput::Floats& values, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

inline void append_bytes(const KserveOutput::Flags& values, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(values.data()), values.size());
}

inline void append_bytes(const KserveOutput::Texts& values, std::string* bytes) {
  for (const std::string& text : values) {
    const auto length = static_cast<uint32_t>(text.size());
    bytes->append(reinterpret_cast<const char*>(&length), kKserveLengthBytes);
    bytes->append(text);
  }
}

inline std::string encode_kserve_tensor(const KserveOutput& output) {
  std::string bytes;
  std::visit([&](const auto& values) { append_bytes(values, &bytes); }, output.values);
  return bytes;
}

}  // namespace vivace
