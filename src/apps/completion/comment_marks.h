// What begins comments and literals in a programming language. Pure function.
#pragma once

#include <string_view>

namespace vivace {

struct CommentMarks {
  bool slashes = false;        // "//" and "/* */"
  bool hash = false;           // "#" up to the line's end
  bool hash_blank = false;     // "#" only when white space, "!" or the line's end follows: "#include" is none
  bool attributes = false;     // "#[" begins an attribute, no comment
  bool ruby_blocks = false;    // lines from "=begin" to "=end"
  bool docstrings = false;     // triple-quoted strings, comments where they begin a line
  bool nested = false;         // block comments within block comments
  bool lifetimes = false;      // ' need not open a literal
  bool raw_backtick = false;   // `…` over several lines
  bool text_blocks = false;    // triple-quoted strings over several lines, never comments
  bool cpp_raw = false;        // R"x(…)x"
  bool rust_raw = false;       // r"…", r#"…"#
  bool rust_raw_hash = false;  // only the latter: r"…" alone knows escapes in other languages
  bool verbatim = false;       // @"…", where "" is a quote and a backslash none
  bool regex = false;          // /…/ where no operand stands before it
};

// language: "python", "java", "rust", … in any case; for an unknown one marks that mean the same nearly everywhere.
CommentMarks comment_marks_of(std::string_view code, std::string_view language);

}  // namespace vivace
