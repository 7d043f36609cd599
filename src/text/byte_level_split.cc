#include "text/byte_level_split.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

enum class Class : uint8_t { kBlank, kLetter, kNumber, kOther, kNotAscii };

Class class_of_info(const CodePointInfo& info) {
  if (info.has(kLetter)) return Class::kLetter;
  if (info.has(kNumber)) return Class::kNumber;
  return info.has(kWhiteSpace) ? Class::kBlank : Class::kOther;
}

// Of the first byte of a character: its class, if it is ASCII.
constexpr auto kClasses = [] {
  std::array<Class, 256> table{};
  for (size_t byte = 0; byte < table.size(); ++byte) {
    const size_t upper = byte & ~size_t{0x20};
    const bool is_blank = byte == ' ' || (byte >= '\t' && byte <= '\r');
    table[byte] = byte >= 0x80                   ? Class::kNotAscii
                  : upper >= 'A' && upper <= 'Z' ? Class::kLetter
                  : byte >= '0' && byte <= '9'   ? Class::kNumber
                  : is_blank                     ? Class::kBlank
                                                 : Class::kOther;
  }
  return table;
}();

// Class of the character at *position, which moves behind it.
Class next_class(std::string_view text, size_t* position) {
  const Class of_byte = kClasses[static_cast<uint8_t>(text[*position])];
  if (of_byte == Class::kNotAscii) {
    return class_of_info(code_point_info(next_code_point(text, position)));
  }
  ++*position;
  return of_byte;
}

// Length of the English ending that text, which is not empty, starts with: 's, 't, 're, 've, 'm, 'll, 'd.
size_t contraction_length(std::string_view text) {
  if (text[0] != '\'' || text.size() < 2) return 0;
  const char first = text[1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = text.size() > 2 ? text[2] : '\0';
  const bool is_long = (second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l');
  return is_long ? 3 : 0;
}

size_t end_of_run(std::string_view text, size_t position, Class wanted) {
  while (position < text.size()) {
    size_t next = position;
    if (next_class(text, &next) != wanted) break;
    position = next;
  }
  return position;
}

// Blanks from begin on: all of them at the end of the text, else all but the last, which belongs to what follows.
size_t end_of_blanks(std::string_view text, size_t begin) {
  size_t last = begin;
  size_t position = begin;
  size_t count = 0;
  while (position < text.size()) {
    size_t next = position;
    if (next_class(text, &next) != Class::kBlank) break;
    last = position;
    position = next;
    ++count;
  }
  return position == text.size() || count == 1 ? position : last;
}

}  // namespace

size_t byte_level_piece_end(std::string_view text, size_t begin) {
  if (const size_t length = contraction_length(text.substr(begin)); length > 0) return begin + length;
  size_t position = begin;
  Class first = next_class(text, &position);
  if (first == Class::kBlank) {
    if (text[begin] != ' ' || position == text.size()) return end_of_blanks(text, begin);
    first = next_class(text, &position);
    if (first == Class::kBlank) return end_of_blanks(text, begin);
  }
  return end_of_run(text, position, first);
}

}  // namespace vivace
