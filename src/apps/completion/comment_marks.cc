#include "apps/completion/comment_marks.h"

#include <algorithm>
#include <array>
#include <string>

namespace vivace {
namespace {

constexpr std::array<std::string_view, 7> kHashLanguages = {"python", "ruby", "shell", "bash", "perl", "r", "yaml"};
constexpr std::array<std::string_view, 15> kSlashLanguages = {"java",   "javascript", "typescript", "go",     "rust",
                                                              "c",      "cpp",        "c++",        "csharp", "c#",
                                                              "kotlin", "swift",      "scala",      "dart",   "php"};
constexpr std::array<std::string_view, 9> kBlockWords = {"def", "class", "if",  "elif", "else",
                                                         "for", "while", "try", "with"};

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return copy;
}

std::string_view trimmed(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// "if x:", "def f(): # why": no other language ends such a line so.
bool opens_indented_block(std::string_view line) {
  line = trimmed(line);
  if (!is_one_of(line.substr(0, line.find_first_of(" (:")), kBlockWords)) return false;
  return line.ends_with(':') || trimmed(line.substr(0, line.find('#'))).ends_with(':');
}

// In Python "//" divides.
bool looks_like_python(std::string_view code) {
  while (!code.empty()) {
    const size_t end = std::min(code.find('\n'), code.size());
    if (opens_indented_block(code.substr(0, end))) return true;
    code.remove_prefix(std::min(end + 1, code.size()));
  }
  return false;
}

CommentMarks marks_of_unknown(std::string_view code) {
  CommentMarks marks;
  marks.hash_blank = true;
  marks.docstrings = true;
  if (looks_like_python(code)) return marks;
  marks.slashes = true;
  marks.regex = true;
  marks.cpp_raw = true;
  marks.rust_raw_hash = true;
  return marks;
}

}  // namespace

CommentMarks comment_marks_of(std::string_view code, std::string_view language) {
  const std::string name = lower(language);
  CommentMarks marks;
  if (is_one_of(name, kHashLanguages)) {
    marks.hash = true;
    marks.docstrings = name == "python";
    marks.ruby_blocks = name == "ruby";
    return marks;
  }
  if (!is_one_of(name, kSlashLanguages)) return marks_of_unknown(code);
  const bool is_csharp = name == "csharp" || name == "c#";
  const bool is_javascript = name == "javascript" || name == "typescript";
  marks.slashes = true;
  marks.hash = name == "php";
  marks.attributes = name == "php";
  marks.nested = name == "rust" || name == "swift" || name == "kotlin";
  marks.lifetimes = name == "rust";
  marks.raw_backtick = name == "go" || is_javascript;
  marks.text_blocks = name == "java" || name == "kotlin" || name == "swift" || name == "scala" || is_csharp;
  marks.cpp_raw = name == "cpp" || name == "c++";
  marks.rust_raw = name == "rust";
  marks.rust_raw_hash = name == "rust";
  marks.verbatim = is_csharp;
  marks.regex = is_javascript;
  return marks;
}

}  // namespace vivace
