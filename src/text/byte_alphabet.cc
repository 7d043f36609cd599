#include "text/byte_alphabet.h"

#include <array>
#include <cstddef>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;

struct Alphabet {
  std::array<char32_t, 256> characters{};
  std::array<int16_t, 0x144> bytes{};  // -1: no character of the alphabet
};

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.bytes.fill(-1);
  char32_t next = kFirstSubstitute;
  for (unsigned byte = 0; byte < 256; ++byte) {
    alphabet.characters[byte] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
    alphabet.bytes[alphabet.characters[byte]] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t byte_to_character(uint8_t byte) {
  return kAlphabet.characters[byte];
}

std::optional<uint8_t> character_to_byte(char32_t character) {
  if (character >= kAlphabet.bytes.size() || kAlphabet.bytes[character] < 0) return std::nullopt;
  return static_cast<uint8_t>(kAlphabet.bytes[character]);
}

std::optional<std::string> characters_to_bytes(std::string_view text) {
  std::string bytes;
  for (size_t position = 0; position < text.size();) {
    const std::optional<uint8_t> byte = character_to_byte(next_code_point(text, &position));
    if (!byte) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
  }
  return bytes;
}

}  // namespace vivace
