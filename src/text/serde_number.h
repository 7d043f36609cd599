// Numbers as the package reads them from JSON.
#pragma once

namespace vivace {

// The double that the package's JSON reader makes of the shortest decimal form of value. It multiplies or divides the
// digits by a power of ten, which may end one bit off; paths of equal scores in a Unigram lattice hang on that bit.
double read_like_package(double value);

}  // namespace vivace
