// Reads the fields of one protobuf message out of bytes that may be wrong.
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vivace {

struct ProtoField {
  uint32_t number = 0;
  uint64_t value = 0;        // of a number
  std::string_view bytes{};  // of a string, message or packed list; data() is nullptr for a number
  bool is_bytes() const { return bytes.data() != nullptr; }
};

class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : m_rest(message) {}

  // The next field; nullopt at the end, or where the bytes are no field: failed() tells which.
  std::optional<ProtoField> next();
  bool failed() const { return m_failed; }
  // A number without a tag, as packed lists hold them.
  std::optional<uint64_t> next_varint();
  bool at_end() const { return m_rest.empty(); }

 private:
  std::optional<std::string_view> take(uint64_t count);
  std::optional<ProtoField> fail();
  std::string_view m_rest;
  bool m_failed = false;
};

}  // namespace vivace
