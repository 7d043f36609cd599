#include "text/protobuf_reader.h"

namespace vivace {
namespace {

std::unexpected<Status> corrupt(const char* what) {
  return error(StatusCode::kCorruptFile, std::string("is no protobuf message: ") + what);
}

}  // namespace

Result<uint64_t> ProtobufReader::read_varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (m_rest.empty()) return corrupt("it ends within a number");
    const uint8_t byte = static_cast<uint8_t>(m_rest.front());
    m_rest.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  return corrupt("a number has more than ten bytes");
}

Result<uint64_t> ProtobufReader::read_fixed(size_t size) {
  if (m_rest.size() < size) return corrupt("it ends within a number");
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = (value << 8U) | static_cast<uint8_t>(m_rest[i]);
  m_rest.remove_prefix(size);
  return value;
}

Result<ProtobufField> ProtobufReader::next() {
  ASSIGN_OR_RETURN(const uint64_t tag, read_varint());
  ProtobufField field;
  field.number = static_cast<uint32_t>(tag >> 3U);
  if (field.number == 0 || tag >> 32U != 0) return corrupt("a field has no number");
  switch (tag & 7U) {
    case 0: {
      ASSIGN_OR_RETURN(field.value, read_varint());
      return field;
    }
    case 1: {
      field.type = WireType::kFixed64;
      ASSIGN_OR_RETURN(field.value, read_fixed(8));
      return field;
    }
    case 2: {
      field.type = WireType::kBytes;
      ASSIGN_OR_RETURN(const uint64_t size, read_varint());
      if (size > m_rest.size()) return corrupt("it ends within a field");
      field.bytes = m_rest.substr(0, size);
      m_rest.remove_prefix(size);
      return field;
    }
    case 5: {
      field.type = WireType::kFixed32;
      ASSIGN_OR_RETURN(field.value, read_fixed(4));
      return field;
    }
    default: return corrupt("a field has an unknown type");
  }
}

}  // namespace vivace
