#include "text/lossy_utf8.h"

namespace vivace {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

size_t character_length(uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

}  // namespace

void LossyUtf8::begin(uint8_t byte, std::string* out) {
  if (byte < 0x80) {
    out->push_back(static_cast<char>(byte));
    return;
  }
  m_length = character_length(byte);
  if (m_length == 0) {
    *out += kReplacement;
    return;
  }
  m_pending[0] = static_cast<char>(byte);
  m_count = 1;
  // Overlong forms, surrogates and what lies past U+10FFFF show in the second byte.
  m_lowest = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
  m_highest = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
}

void LossyUtf8::push(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (m_count == 0) {
      begin(byte, out);
      continue;
    }
    if (byte < m_lowest || byte > m_highest) {
      finish(out);
      begin(byte, out);
      continue;
    }
    m_pending[m_count++] = c;
    m_lowest = 0x80;
    m_highest = 0xBF;
    if (m_count < m_length) continue;
    out->append(m_pending.data(), m_count);
    m_count = 0;
  }
}

void LossyUtf8::finish(std::string* out) {
  if (m_count > 0) *out += kReplacement;
  m_count = 0;
}

}  // namespace vivace
