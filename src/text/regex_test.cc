#include "text/regex.h"

#include <gtest/gtest.h>

#include "text/regex_properties.h"

namespace vivace {
namespace {

std::string first_match(std::string_view expression, std::string_view text) {
  const auto regex = Regex::compile(expression, "pattern");
  if (!regex) return regex.error().message;
  const auto match = regex->search(text, 0);
  return match && *match ? std::string(text.substr((*match)->begin, (*match)->end - (*match)->begin)) : "(none)";
}

TEST(RegexProperties, OnlyLettersAndNumbersAreReplaced) {
  EXPECT_EQ(with_measured_properties(R"(\p{L}+|[^\s\P{N}]\\p{L}\p{Lu}\p)"),
            R"(\p{MeasuredLetter}+|[^\s\P{MeasuredNumber}]\\p{L}\p{Lu}\p)");
  EXPECT_EQ(with_measured_properties(""), "");
  EXPECT_EQ(with_measured_properties("\\"), "\\");
}

// Characters of Unicode 15 and 16, which the package knows.
TEST(Regex, LettersAndNumbersAreThePackageS) {
  constexpr std::string_view kGarayLetter = "\xF0\x90\xB5\x90";     // U+10D50
  constexpr std::string_view kKaktovikNumber = "\xF0\x9D\x8B\x90";  // U+1D2D0
  EXPECT_EQ(first_match(R"(\p{L}+)", "1 " + std::string(kGarayLetter)), kGarayLetter);
  EXPECT_EQ(first_match(R"(\p{N}+)", "a " + std::string(kKaktovikNumber)), kKaktovikNumber);
  EXPECT_EQ(first_match(R"([^\s\p{L}\p{N}]+)", std::string(kGarayLetter) + std::string(kKaktovikNumber) + "!"), "!");
  EXPECT_EQ(first_match(R"(\P{L}+)", std::string(kGarayLetter) + "5a"), "5");
  EXPECT_EQ(first_match(R"([\p{L}]+\p{N})", "ab5"), "ab5");
}

TEST(Regex, WrongExpressionsAreToldAsTheyWereWritten) {
  EXPECT_NE(first_match(R"((\p{L}+)", "a").find(R"((\p{L}+)"), std::string::npos);
}

}  // namespace
}  // namespace vivace
