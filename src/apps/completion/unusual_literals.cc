#include "apps/completion/unusual_literals.h"

#include <algorithm>
#include <array>
#include <string>

namespace vivace {
namespace {

constexpr size_t kMostDelimiter = 16;  // characters between R" and ( that C++ allows

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view word_before(std::string_view code, size_t at) {
  size_t begin = at;
  while (begin > 0 && is_word(code[begin - 1])) --begin;
  return code.substr(begin, at - begin);
}

// Behind the next `close` from `from` on.
size_t end_behind(std::string_view code, size_t from, std::string_view close) {
  const size_t found = code.find(close, std::min(from, code.size()));
  return found == std::string_view::npos ? code.size() : found + close.size();
}

// R"x(…)x": at its quote, so that prefixes like u8R need no look at.
size_t cpp_raw_end(std::string_view code, size_t at) {
  const std::string_view prefix = word_before(code, at);
  if (prefix != "R" && prefix != "LR" && prefix != "uR" && prefix != "UR" && prefix != "u8R") return at;
  const std::string_view behind = code.substr(at + 1, kMostDelimiter + 1);
  const size_t open = behind.find('(');
  if (open == std::string_view::npos) return at;
  return end_behind(code, at + 1 + open + 1, ")" + std::string(behind.substr(0, open)) + "\"");
}

// r"…", br##"…"##: at the quote or the first #.
size_t rust_raw_end(std::string_view code, size_t at, const CommentMarks& marks) {
  const std::string_view prefix = word_before(code, at);
  if (prefix != "r" && prefix != "br" && prefix != "cr") return at;
  const size_t quote = std::min(code.find_first_not_of('#', at), code.size());
  if (quote == code.size() || code[quote] != '"') return at;
  if (quote == at && !marks.rust_raw) return at;
  return end_behind(code, quote + 1, "\"" + std::string(quote - at, '#'));
}

// At the quote of @"…", @$"…" or $@"…".
size_t verbatim_end(std::string_view code, size_t at) {
  const bool is_verbatim = at > 0 && (code[at - 1] == '@' || (code[at - 1] == '$' && at > 1 && code[at - 2] == '@'));
  if (!is_verbatim) return at;
  size_t end = at + 1;
  while (end < code.size()) {
    end = end_behind(code, end, "\"");
    if (end == code.size() || code[end] != '"') break;
    ++end;
  }
  return end;
}

size_t text_block_end(std::string_view code, size_t at) {
  if (!code.substr(at).starts_with("\"\"\"")) return at;
  size_t end = at + 3;
  while (end < code.size() && !code.substr(end).starts_with("\"\"\"")) end += code[end] == '\\' ? 2 : 1;
  return std::min(end + 3, code.size());
}

// Whether a slash here divides what stands before it.
bool follows_operand(std::string_view code, size_t at) {
  constexpr std::array<std::string_view, 8> kWordsBeforeValues = {"return", "typeof", "case", "in",
                                                                  "of",     "delete", "void", "throw"};
  while (at > 0 && std::string_view(" \t\r\n").find(code[at - 1]) != std::string_view::npos) --at;
  if (at == 0) return false;
  const char before = code[at - 1];
  if (is_word(before)) return std::ranges::find(kWordsBeforeValues, word_before(code, at)) == kWordsBeforeValues.end();
  if (before == '>') return at < 2 || code[at - 2] != '=';
  return std::string_view("(,=:[!&|?{;").find(before) == std::string_view::npos;
}

}  // namespace

// Up to a slash on the same line that stands in no [class].
size_t UnusualLiterals::regex_end(size_t at) {
  if (at < m_no_regex_before || follows_operand(m_code, at)) return at;
  bool in_class = false;
  size_t i = at + 1;
  for (; i < m_code.size() && m_code[i] != '\n'; ++i) {
    if (m_code[i] == '\\') {
      if (i + 1 < m_code.size() && m_code[i + 1] != '\n') ++i;
    } else if (m_code[i] == '[') {
      in_class = true;
    } else if (m_code[i] == ']') {
      in_class = false;
    } else if (m_code[i] == '/' && !in_class) {
      return i + 1;
    }
  }
  m_no_regex_before = i;
  return at;
}

size_t UnusualLiterals::end(size_t at) {
  const char c = m_code[at];
  if (c == '/' && m_marks.regex) return regex_end(at);
  if (c != '"' && c != '#') return at;
  size_t end = at;
  if (m_marks.rust_raw_hash) end = rust_raw_end(m_code, at, m_marks);
  if (c == '#') return end;
  if (end == at && m_marks.cpp_raw) end = cpp_raw_end(m_code, at);
  if (end == at && m_marks.verbatim) end = verbatim_end(m_code, at);
  if (end == at && m_marks.text_blocks) end = text_block_end(m_code, at);
  return end;
}

}  // namespace vivace
