#include "onnx/proto_reader.h"

namespace vivace {

std::optional<ProtoField> ProtoReader::fail() {
  m_failed = true;
  m_rest = {};
  return std::nullopt;
}

std::optional<std::string_view> ProtoReader::take(uint64_t count) {
  if (count > m_rest.size()) return std::nullopt;
  const std::string_view taken = m_rest.substr(0, count);
  m_rest.remove_prefix(count);
  return taken;
}

std::optional<uint64_t> ProtoReader::next_varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (m_rest.empty()) break;
    const auto byte = static_cast<uint8_t>(m_rest.front());
    m_rest.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return std::nullopt;
}

std::optional<ProtoField> ProtoReader::next() {
  enum WireType : uint8_t { kVarint = 0, kEightBytes = 1, kLength = 2, kFourBytes = 5 };
  if (m_rest.empty()) return std::nullopt;
  const std::optional<uint64_t> tag = next_varint();
  if (!tag || *tag >> 3 == 0 || *tag >> 3 > 536'870'911) return fail();
  ProtoField field{.number = static_cast<uint32_t>(*tag >> 3)};
  std::optional<uint64_t> number = 0;
  switch (*tag & 7) {
    case kVarint: number = next_varint(); break;
    case kEightBytes:
      if (!take(8)) return fail();
      break;
    case kFourBytes:
      if (!take(4)) return fail();
      break;
    case kLength: {
      const std::optional<uint64_t> length = next_varint();
      const std::optional<std::string_view> bytes = length ? take(*length) : std::nullopt;
      if (!bytes) return fail();
      field.bytes = *bytes;
      return field;
    }
    default: return fail();
  }
  if (!number) return fail();
  field.value = *number;
  return field;
}

}  // namespace vivace
