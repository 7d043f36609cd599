// The program `vivace`: reads the command line, runs the chosen verb and turns its result into an exit code.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;  // the work failed: missing file, bad input, no network
inline constexpr int kExitUsage = 2;    // the command line itself is wrong

// Errors go to standard error as one line that starts with "vivace: ".
int run_program(int argc, char** argv);

// Levenshtein's: insertions, deletions and substitutions from one to the other.
size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the smallest edit distance to typed, empty when none is near enough to be meant.
std::string_view nearest_name(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace vivace
