// How hard a piece of code is to continue: a score from its size, names, nesting and structure. Pure functions.
#pragma once

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

// Comments are not looked at. language: see strip_comments(). Time grows with the code's length only.
Complexity analyze_complexity(std::string_view code, std::string_view language);

}  // namespace vivace
