#include "apps/completion/comments.h"

#include <algorithm>

#include "apps/completion/comment_marks.h"
#include "apps/completion/unusual_literals.h"

namespace vivace {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class CommentStripper {
 public:
  CommentStripper(std::string_view code, CommentMarks marks) : m_code(code), m_marks(marks), m_literals(code, marks) {}

  std::string run() {
    while (m_at < m_code.size()) {
      if (begins_line_comment()) {
        m_at = std::min(m_code.find('\n', m_at), m_code.size());
      } else if (m_marks.slashes && rest().starts_with("/*")) {
        skip_block();
      } else if (begins_ruby_block()) {
        skip_ruby_block();
      } else if (const size_t end = m_literals.end(m_at); end > m_at) {
        m_out += m_code.substr(m_at, end - m_at);
        m_at = end;
      } else if (begins_number()) {
        copy_number();
      } else if (begins_triple_quotes()) {
        take_triple_quotes();
      } else if (begins_literal()) {
        copy_literal();
      } else {
        m_out += m_code[m_at++];
      }
    }
    return std::move(m_out);
  }

 private:
  std::string_view rest() const { return m_code.substr(m_at); }

  bool begins_line_comment() const {
    if (m_marks.slashes && rest().starts_with("//")) return true;
    if (m_code[m_at] != '#') return false;
    if (m_marks.hash) return !(m_marks.attributes && rest().starts_with("#["));
    if (!m_marks.hash_blank) return false;
    const bool at_end = m_at + 1 == m_code.size();
    return at_end || m_code[m_at + 1] == ' ' || m_code[m_at + 1] == '\t' || m_code[m_at + 1] == '\n' ||
           (m_code[m_at + 1] == '!' && m_at == 0);
  }

  // A comment that does not end reaches to the end of the code.
  void skip_block() {
    size_t depth = 0;
    while (m_at < m_code.size()) {
      if (rest().starts_with("/*") && (depth == 0 || m_marks.nested)) {
        ++depth;
        m_at += 2;
      } else if (rest().starts_with("*/")) {
        m_at += 2;
        if (--depth == 0) return;
      } else {
        ++m_at;
      }
    }
  }

  bool begins_ruby_block() const {
    return m_marks.ruby_blocks && rest().starts_with("=begin") && (m_at == 0 || m_code[m_at - 1] == '\n');
  }

  // Up to the end of the line that begins with "=end", or of the code.
  void skip_ruby_block() {
    const size_t last_line = m_code.find("\n=end", m_at);
    m_at =
        last_line == std::string_view::npos ? m_code.size() : std::min(m_code.find('\n', last_line + 1), m_code.size());
  }

  bool begins_number() const {
    const bool is_digit = m_code[m_at] >= '0' && m_code[m_at] <= '9';
    return m_marks.slashes && is_digit && (m_at == 0 || !is_word(m_code[m_at - 1]));
  }

  // With the ' between its digits, as in C++'s 1'000, which open no literal.
  void copy_number() {
    const auto belongs = [this](size_t at) {
      if (m_code[at] != '\'') return is_word(m_code[at]);
      return at + 1 < m_code.size() && is_word(m_code[at + 1]);
    };
    while (m_at < m_code.size() && belongs(m_at)) m_out += m_code[m_at++];
  }

  bool begins_triple_quotes() const {
    return m_marks.docstrings && (rest().starts_with("\"\"\"") || rest().starts_with("'''"));
  }

  // Whether only blanks (and a prefix like r) stand before this on its line.
  bool begins_line() const {
    size_t at = m_at;
    if (at > 0 && std::string_view("rRuUbB").find(m_code[at - 1]) != std::string_view::npos) --at;
    while (at > 0 && (m_code[at - 1] == ' ' || m_code[at - 1] == '\t')) --at;
    return at == 0 || m_code[at - 1] == '\n';
  }

  void take_triple_quotes() {
    const std::string_view quotes = rest().substr(0, 3);
    const bool is_docstring = begins_line();
    size_t end = m_at + 3;
    while (end < m_code.size() && !m_code.substr(end).starts_with(quotes)) end += m_code[end] == '\\' ? 2 : 1;
    end = std::min(end + 3, m_code.size());
    if (!is_docstring) m_out += m_code.substr(m_at, end - m_at);
    m_at = end;
  }

  bool begins_literal() const {
    const char c = m_code[m_at];
    if (c == '`') return m_marks.raw_backtick;
    if (c != '\'' || !m_marks.lifetimes) return c == '"' || c == '\'';
    return rest().size() >= 3 && (rest()[1] == '\\' || rest()[2] == '\'');
  }

  // Up to its closing quote, or to the line's end where that is missing.
  void copy_literal() {
    const char quote = m_code[m_at];
    const bool spans_lines = quote == '`' || (quote == '"' && m_marks.lifetimes);
    m_out += m_code[m_at++];
    while (m_at < m_code.size()) {
      const char c = m_code[m_at];
      if (c == '\n' && !spans_lines) return;
      m_out += c;
      ++m_at;
      if (c == quote) return;
      if (c == '\\' && m_at < m_code.size() && m_code[m_at] != '\n') m_out += m_code[m_at++];
    }
  }

  std::string_view m_code;
  CommentMarks m_marks;
  UnusualLiterals m_literals;
  size_t m_at = 0;
  std::string m_out;
};

}  // namespace

std::string strip_comments(std::string_view code, std::string_view language) {
  return CommentStripper(code, comment_marks_of(code, language)).run();
}

}  // namespace vivace
