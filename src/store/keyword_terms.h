// The words of a question that a keyword search looks for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

inline constexpr size_t kMaxKeywordTerms = 64;  // more words of one text are not looked for

// Runs of letters and digits of any script with their marks, in lower case as far as ASCII goes, each once, in the
// text's order: one word each for every store's index. English function words are left out unless nothing else is
// there. text: valid UTF-8.
std::vector<std::string> keyword_terms(std::string_view text);

}  // namespace vivace
