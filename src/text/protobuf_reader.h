// The wire format of protocol buffers: fields of a message, one after the other.
//
// Reading: https://protobuf.dev/programming-guides/encoding
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace vivace {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtobufField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // of a number; of a fixed one, its bits
  std::string_view bytes;  // of kBytes: text or a message, within the message read
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : m_rest(message) {}
  bool at_end() const { return m_rest.empty(); }
  // kCorruptFile when the message ends within the field or the field is none that the format knows.
  Result<ProtobufField> next();

 private:
  Result<uint64_t> read_varint();
  Result<uint64_t> read_fixed(size_t size);

  std::string_view m_rest;
};

}  // namespace vivace
