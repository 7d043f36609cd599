#include "text/grapheme.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include <utf8proc.h>

#include "base/utf8.h"

namespace vivace {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Combining characters of Unicode 16 and 17, which the package knows and older versions of utf8proc do not.
constexpr Range kNewMarks[] = {{0x897, 0x897},     {0x1ACF, 0x1ADD},   {0x1AE0, 0x1AEB},   {0x10D69, 0x10D6D},
                               {0x10EFA, 0x10EFC}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2}, {0x113C5, 0x113C5},
                               {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2}, {0x113E1, 0x113E2},
                               {0x11B60, 0x11B67}, {0x11F5A, 0x11F5A}, {0x1611E, 0x1612F}, {0x1E5EE, 0x1E5EF},
                               {0x1E6E3, 0x1E6E3}, {0x1E6E6, 0x1E6E6}, {0x1E6EE, 0x1E6EF}, {0x1E6F5, 0x1E6F5}};
constexpr utf8proc_int32_t kAnyMark = 0x301;

utf8proc_int32_t known_form(char32_t code_point) {
  if (code_point < kNewMarks[0].first) return static_cast<utf8proc_int32_t>(code_point);
  const Range* const range = std::lower_bound(std::begin(kNewMarks), std::end(kNewMarks), code_point,
                                              [](const Range& r, char32_t c) { return r.last < c; });
  const bool is_new = range != std::end(kNewMarks) && range->first <= code_point;
  return is_new ? kAnyMark : static_cast<utf8proc_int32_t>(code_point);
}

bool is_printable_ascii(char32_t code_point) {
  return code_point >= 0x20 && code_point < 0x7F;
}

}  // namespace

size_t grapheme_end(std::string_view text, size_t begin) {
  size_t end = begin;
  char32_t last = next_code_point(text, &end);
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    if (is_printable_ascii(last) && static_cast<uint8_t>(text[end]) < 0x80) return end;
    size_t next = end;
    const char32_t code_point = next_code_point(text, &next);
    if (utf8proc_grapheme_break_stateful(known_form(last), known_form(code_point), &state)) return end;
    last = code_point;
    end = next;
  }
  return end;
}

}  // namespace vivace
