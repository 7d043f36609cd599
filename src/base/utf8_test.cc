#include "base/utf8.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vivace {
namespace {

bool is_surrogate(char32_t c) {
  return c >= 0xD800 && c <= 0xDFFF;
}

// Valid by the table of well-formed sequences in the Unicode standard (chapter 3, "UTF-8"), written out per length.
bool is_well_formed(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto between = [&](size_t i, int low, int high) { return at(i) >= low && at(i) <= high; };
  const auto tail = [&](size_t i) { return between(i, 0x80, 0xBF); };
  switch (bytes.size()) {
    case 1: return between(0, 0x00, 0x7F);
    case 2: return between(0, 0xC2, 0xDF) && tail(1);
    case 3:
      return ((at(0) == 0xE0 && between(1, 0xA0, 0xBF)) || (between(0, 0xE1, 0xEC) && tail(1)) ||
              (at(0) == 0xED && between(1, 0x80, 0x9F)) || (between(0, 0xEE, 0xEF) && tail(1))) &&
             tail(2);
    case 4:
      return ((at(0) == 0xF0 && between(1, 0x90, 0xBF)) || (between(0, 0xF1, 0xF3) && tail(1)) ||
              (at(0) == 0xF4 && between(1, 0x80, 0x8F))) &&
             tail(2) && tail(3);
    default: return false;
  }
}

TEST(Utf8, EveryCodePointRoundTrips) {
  std::string all;
  size_t count = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (is_surrogate(c)) continue;
    std::string one;
    append_utf8(c, &one);
    ASSERT_TRUE(is_well_formed(one)) << static_cast<uint32_t>(c);
    ASSERT_EQ(find_invalid_utf8(one), kValidUtf8);
    size_t position = 0;
    ASSERT_EQ(next_code_point(one, &position), c);
    ASSERT_EQ(position, one.size());
    all += one;
    ++count;
  }
  EXPECT_EQ(find_invalid_utf8(all), kValidUtf8);
  EXPECT_EQ(count_code_points(all), count);
}

// All strings of one to three bytes, and all of four whose lead byte has the form of one: each prefix is judged like
// the table says.
TEST(Utf8, EveryShortStringIsJudgedLikeTheStandard) {
  const auto judge = [](std::string_view bytes) {
    // The first position from which no well-formed sequence follows.
    for (size_t i = 0; i < bytes.size();) {
      size_t length = 1;
      while (length <= 4 && i + length <= bytes.size() && !is_well_formed(bytes.substr(i, length))) ++length;
      if (length > 4 || i + length > bytes.size()) return i;
      i += length;
    }
    return kValidUtf8;
  };
  std::string bytes;
  size_t checked = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      bytes = {static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(find_invalid_utf8(bytes), judge(bytes)) << a << " " << b;
      for (int c = 0x7E; c < 0xC3; ++c) {
        bytes = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
        ASSERT_EQ(find_invalid_utf8(bytes), judge(bytes)) << a << " " << b << " " << c;
        if (a < 0xEF) continue;
        for (const int d : {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF}) {
          bytes = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
          ASSERT_EQ(find_invalid_utf8(bytes), judge(bytes)) << a << " " << b << " " << c << " " << d;
          ++checked;
        }
      }
    }
  }
  EXPECT_EQ(checked, 17u * 256 * 69 * 6);
}

TEST(Utf8, FindsTheFirstInvalidByte) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, size_t> kCases[] = {
      {""sv, kValidUtf8},
      {"a\0b"sv, kValidUtf8},
      {"abc\x80"sv, 3},           // a continuation byte alone
      {"\xC0\xAF"sv, 0},          // overlong, 2 bytes
      {"\xC1\xBF"sv, 0},          // overlong, 2 bytes
      {"\xE0\x9F\xBF"sv, 0},      // overlong, 3 bytes
      {"\xF0\x8F\xBF\xBF"sv, 0},  // overlong, 4 bytes
      {"x\xED\xA0\x80"sv, 1},     // first surrogate
      {"x\xED\xBF\xBF"sv, 1},     // last surrogate
      {"\xF4\x90\x80\x80"sv, 0},  // U+110000
      {"\xF5\x80\x80\x80"sv, 0},  // a lead byte that no code point has
      {"\xFF"sv, 0},              // never in UTF-8
      {"\xC3\xBC\xC3"sv, 2},      // cut after the lead byte
      {"\xE4\xB8"sv, 0},          // cut after two of three
      {"\xF0\x9F\x98"sv, 0},      // cut after three of four
      {"\xE4\xB8\x41"sv, 0},      // a letter where a continuation byte must be
      {"ok \xF0\x9F\x98\x80 \xFE"sv, 8},
  };
  for (const auto& [text, position] : kCases) EXPECT_EQ(find_invalid_utf8(text), position) << text;
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("aü中😀"), 4u);
}

TEST(Utf8, PrintableKeepsMessagesToOneLine) {
  EXPECT_EQ(printable("plain ü"), "plain ü");
  EXPECT_EQ(printable("a\nb\tc\x7F"), "a?b?c?");
  EXPECT_EQ(printable(std::string(100, 'x')), std::string(100, 'x'));
  EXPECT_EQ(printable(std::string(101, 'x')), std::string(100, 'x') + "...");
  // Cut before the code point that the hundredth byte would split.
  EXPECT_EQ(printable(std::string(99, 'x') + "üü"), std::string(99, 'x') + "...");
  EXPECT_EQ(printable(std::string(97, 'x') + "😀x"), std::string(97, 'x') + "...");
}

}  // namespace
}  // namespace vivace
