// Literals that do not end at the next quote without a backslash: raw and verbatim strings, text blocks, regular
// expressions.
#pragma once

#include <cstddef>
#include <string_view>

#include "apps/completion/comment_marks.h"

namespace vivace {

// Of one code, asked from its beginning to its end; the time of all questions together grows with the code's length
// only.
class UnusualLiterals {
 public:
  // The code must outlive this.
  UnusualLiterals(std::string_view code, const CommentMarks& marks) : m_code(code), m_marks(marks) {}

  // Where the literal that begins at `at` ends, the code's end where it is not closed; `at`: none begins there.
  size_t end(size_t at);

 private:
  size_t regex_end(size_t at);

  const std::string_view m_code;
  const CommentMarks m_marks;
  // Before it no slash begins a regular expression: from an earlier one nothing was closed up to here.
  size_t m_no_regex_before = 0;
};

}  // namespace vivace
