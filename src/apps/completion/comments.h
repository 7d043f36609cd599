// Source code without its comments. Pure function.
#pragma once

#include <string>
#include <string_view>

namespace vivace {

// Cuts out line comments, block comments and, in Python, docstrings (triple-quoted strings that begin a line). What
// stands in string literals stays, as do line breaks outside of block comments and blanks before a comment. language:
// see comment_marks_of().
std::string strip_comments(std::string_view code, std::string_view language);

}  // namespace vivace
