// \p{L} and \p{N} of regular expressions as the `tokenizers` package understands them: it is built with a newer Unicode
// version than the Oniguruma of most systems, which takes the letters and numbers added since for unassigned.
#pragma once

#include <string>
#include <string_view>

namespace vivace {

// Makes the properties known to Oniguruma, which must be initialized. Whether that worked.
bool define_measured_properties();

// The expression with those properties in the place of \p{L}, \p{N}, \P{L} and \P{N}.
std::string with_measured_properties(std::string_view expression);

}  // namespace vivace
