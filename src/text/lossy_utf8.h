// Bytes to UTF-8 as they come: what is not UTF-8 becomes U+FFFD, one for each longest start of a character (the
// practice of the Unicode Standard, 3.9). Splitting the bytes differently changes nothing in the text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vivace {

class LossyUtf8 {
 public:
  // Appends the characters that are certain; the beginning of one waits for its other bytes.
  void push(std::string_view bytes, std::string* out);
  // No more bytes come.
  void finish(std::string* out);

 private:
  void begin(uint8_t byte, std::string* out);

  std::array<char, 4> m_pending{};
  size_t m_count = 0;       // bytes in m_pending
  size_t m_length = 0;      // of the character that they begin
  uint8_t m_lowest = 0x80;  // of the next byte
  uint8_t m_highest = 0xBF;
};

}  // namespace vivace
