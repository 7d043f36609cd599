// Literals that do not end at the next quote without a backslash: raw and verbatim strings, text blocks, regular
// expressions. Pure function.
#pragma once

#include <cstddef>
#include <string_view>

#include "apps/completion/comment_marks.h"

namespace vivace {

// Where the literal that begins at `at` ends, the code's end where it is not closed; `at`: none begins there.
size_t unusual_literal_end(std::string_view code, size_t at, const CommentMarks& marks);

}  // namespace vivace
