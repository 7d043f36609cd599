#include "text/byte_level_split.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

enum class Class : uint8_t { kBlank, kLetter, kNumber, kOther };

Class class_of_info(const CodePointInfo& info) {
  if (info.has(kLetter)) return Class::kLetter;
  if (info.has(kNumber)) return Class::kNumber;
  return info.has(kWhiteSpace) ? Class::kBlank : Class::kOther;
}

const std::array<Class, 128>& ascii_classes() {
  static const std::array<Class, 128> classes = [] {
    std::array<Class, 128> table{};
    for (char32_t c = 0; c < 128; ++c) table[c] = class_of_info(UnicodeTables::instance().at(c));
    return table;
  }();
  return classes;
}

// Class of the character at *position, which moves behind it.
Class next_class(std::string_view text, size_t* position) {
  const uint8_t byte = static_cast<uint8_t>(text[*position]);
  if (byte < 0x80) {
    ++*position;
    return ascii_classes()[byte];
  }
  return class_of_info(UnicodeTables::instance().at(next_code_point(text, position)));
}

// Length of the English ending that text starts with: 's, 't, 're, 've, 'm, 'll, 'd.
size_t contraction_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
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
