#include "text/serde_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace vivace {
namespace {

constexpr int kLargestPower = 308;

double power_of_ten(int exponent) {
  static const auto kPowers = [] {
    std::array<double, kLargestPower + 1> powers{};
    for (int i = 0; i <= kLargestPower; ++i) {
      std::array<char, 8> text{'1', 'e'};
      const auto end = std::to_chars(text.data() + 2, text.data() + text.size(), i).ptr;
      std::from_chars(text.data(), end, powers[static_cast<size_t>(i)]);
    }
    return powers;
  }();
  return kPowers[static_cast<size_t>(exponent)];
}

}  // namespace

double read_like_package(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  std::array<char, 32> buffer;
  const char* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value), std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t mark = text.find('e');
  uint64_t digits = 0;
  int exponent = 0;
  std::from_chars(text.data() + mark + (text[mark + 1] == '+' ? 2 : 1), end, exponent);
  for (const char c : text.substr(0, mark)) {
    if (c != '.') digits = digits * 10 + static_cast<uint64_t>(c - '0');
  }
  if (mark > 1) exponent -= static_cast<int>(mark) - 2;  // digits after the point
  double number = static_cast<double>(digits);
  if (exponent >= 0) {
    number *= power_of_ten(exponent);
  } else {
    if (exponent < -kLargestPower) {
      number /= power_of_ten(kLargestPower);
      exponent += kLargestPower;
    }
    number /= power_of_ten(-exponent);
  }
  return std::copysign(number, value);
}

}  // namespace vivace
