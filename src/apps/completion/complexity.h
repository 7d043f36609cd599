// How hard a piece of code is to continue: a score from its size, names, nesting and structure. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vivace {

// Each part is 0 to 1.
struct Complexity {
  double score = 0;  // .08 lines + .17 identifiers + .40 nesting + .25 structure + .10 keywords
  double lines = 0;
  double identifiers = 0;
  double nesting = 0;
  double structure = 0;
  double keywords = 0;
  std::string reason;
};

inline constexpr double kMediumComplexity = 0.3;  // scores from here on need more than the smallest model
inline constexpr double kHighComplexity = 0.7;    // and from here on the largest

// Only so much of the code's end is looked at, from a line's beginning on where there is one. A model reads a few
// hundred tokens of it (some KiB), and a server analyses on the thread that answers everyone.
inline constexpr size_t kAnalyzedBytes = size_t{32} << 10;

// Comments are not looked at. language: see strip_comments().
Complexity analyze_complexity(std::string_view code, std::string_view language);

}  // namespace vivace
