// Checks of options that take fractions, for CLI11, whose own let "nan" through and print numbers of hundreds of
// digits. (Whole numbers have CLI::Range with the option's own type.)
#pragma once

#include <cmath>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace vivace {

// Both ends included.
inline CLI::Validator number_between(double least, double most) {
  const auto check = [least, most](std::string& text) {
    double number = 0;
    const bool is_inside = CLI::detail::lexical_cast(text, number) && number >= least && number <= most;
    return is_inside ? std::string() : fmt::format("'{}' is no number from {} to {}", text, least, most);
  };
  return {check, fmt::format("FLOAT in [{} - {}]", least, most)};
}

}  // namespace vivace
