#include "apps/completion/complexity.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "apps/completion/comments.h"

namespace vivace {
namespace {

constexpr std::array<std::string_view, 16> kCommonWords = {"if",   "for",    "while", "do",      "try", "int",
                                                           "str",  "var",    "let",   "const",   "new", "this",
                                                           "self", "return", "break", "continue"};
constexpr std::array<std::string_view, 8> kFunctionWords = {"def",  "function", "func",    "fn",
                                                            "void", "public",   "private", "protected"};
constexpr std::array<std::string_view, 5> kClassWords = {"class", "interface", "struct", "enum", "trait"};
constexpr std::array<std::string_view, 5> kImportWords = {"import", "from", "include", "require", "use"};
constexpr std::array<std::string_view, 11> kControlWords = {"if",    "else", "elif", "switch", "case",   "for",
                                                            "while", "do",   "try",  "catch",  "finally"};
constexpr std::array<std::string_view, 5> kConcurrencyWords = {"async", "await", "promise", "future", "thread"};
// Looked for anywhere, also within words.
constexpr std::array<std::string_view, 19> kAdvancedWords = {
    "class",     "interface",  "extends",      "implements", "abstract", "async",  "await",
    "promise",   "thread",     "synchronized", "generic",    "template", "lambda", "closure",
    "decorator", "reflection", "metaclass",    "trait",      "protocol"};

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_char(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return copy;
}

// 0 up to `none`, 1 from `all` on, even steps between.
double share(int64_t count, int64_t none, int64_t all) {
  if (count <= none) return 0;
  if (count >= all) return 1;
  return static_cast<double>(count - none) / static_cast<double>(all - none);
}

struct Word {
  std::string_view text;  // letters, digits and underscores, as many as there are
  size_t end = 0;         // where it ends in the code
};

std::vector<Word> words_of(std::string_view code) {
  std::vector<Word> words;
  for (size_t begin = 0; begin < code.size();) {
    if (!is_word_char(code[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < code.size() && is_word_char(code[end])) ++end;
    words.push_back({code.substr(begin, end - begin), end});
    begin = end;
  }
  return words;
}

std::vector<std::string_view> lines_of(std::string_view code) {
  std::vector<std::string_view> lines;
  while (true) {
    const size_t end = code.find('\n');
    lines.push_back(code.substr(0, end));
    if (end == std::string_view::npos) break;
    code.remove_prefix(end + 1);
  }
  while (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  return lines;
}

int64_t count_identifiers(const std::vector<Word>& words) {
  std::set<std::string> names;
  for (const Word& word : words) {
    if (word.text.size() <= 2 || is_digit(word.text.front())) continue;
    std::string name = lower(word.text);
    if (!is_one_of(name, kCommonWords)) names.insert(std::move(name));
  }
  return static_cast<int64_t>(names.size());
}

int64_t bracket_depth(std::string_view code) {
  int64_t depth = 0;
  int64_t deepest = 0;
  for (const char c : code) {
    depth += (c == '{' || c == '(' ? 1 : 0) - (c == '}' || c == ')' ? 1 : 0);
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

int64_t indent_depth(const std::vector<std::string_view>& lines) {
  int64_t deepest = 0;
  for (const std::string_view line : lines) {
    int64_t columns = 0;
    for (const char c : line) {
      if (c != ' ' && c != '\t') break;
      columns += c == '\t' ? 4 : 1;
    }
    deepest = std::max(deepest, columns / 4);
  }
  return deepest;
}

size_t skip_blanks(std::string_view code, size_t at) {
  while (at < code.size() && is_blank(code[at])) ++at;
  return at;
}

// "def name (": what follows the word is a name and an opening parenthesis.
bool declares_function(std::string_view code, const Word& word, const Word& name) {
  if (skip_blanks(code, word.end) + name.text.size() != name.end || word.end == name.end - name.text.size())
    return false;
  const size_t behind = skip_blanks(code, name.end);
  return behind < code.size() && code[behind] == '(';
}

bool is_followed_by_name(std::string_view code, const Word& word) {
  const size_t next = skip_blanks(code, word.end);
  return next > word.end && next < code.size() && is_word_char(code[next]);
}

int64_t structure_points(std::string_view code, const std::vector<Word>& words) {
  int64_t points = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const Word& word = words[i];
    if (is_one_of(word.text, kFunctionWords) && i + 1 < words.size() && declares_function(code, word, words[i + 1])) {
      points += 2;
    }
    if (is_one_of(word.text, kClassWords) && is_followed_by_name(code, word)) points += 4;
    if (is_one_of(word.text, kImportWords) && word.end < code.size() && is_blank(code[word.end])) points += 1;
    if (is_one_of(word.text, kControlWords)) points += 3;
  }
  return points;
}

int64_t keyword_points(std::string_view code, const std::vector<Word>& words) {
  const std::string text = lower(code);
  int64_t points = 0;
  for (const std::string_view word : kAdvancedWords) points += text.find(word) != std::string::npos ? 1 : 0;
  for (const Word& word : words) points += is_one_of(word.text, kConcurrencyWords) ? 1 : 0;
  return points;
}

std::string reason_for(double score) {
  if (score < kMediumComplexity) return "Simple code (short, few structures)";
  if (score < kHighComplexity) return "Medium complexity (moderate structures/nesting)";
  return "Complex code (many structures, deep nesting, advanced patterns)";
}

std::string_view analyzed_end(std::string_view code) {
  if (code.size() <= kAnalyzedBytes) return code;
  // With the byte before: a line that begins just there is taken.
  const std::string_view end = code.substr(code.size() - kAnalyzedBytes - 1);
  const size_t line_break = end.find('\n');
  return end.substr(line_break == std::string_view::npos ? 1 : line_break + 1);
}

bool is_empty(std::string_view code) {
  return std::ranges::all_of(code, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

Complexity analyze_complexity(std::string_view code, std::string_view language) {
  const std::string bare = strip_comments(analyzed_end(code), language);
  Complexity result;
  if (is_empty(bare)) {
    result.reason = "Empty input";
    return result;
  }
  const std::vector<std::string_view> lines = lines_of(bare);
  const std::vector<Word> words = words_of(bare);
  result.lines = share(static_cast<int64_t>(lines.size()), 10, 50);
  result.identifiers = share(count_identifiers(words), 5, 30);
  result.nesting = share(std::max(bracket_depth(bare), indent_depth(lines)), 1, 5);
  result.structure = share(structure_points(bare, words), 2, 25);
  result.keywords = share(keyword_points(bare, words), 1, 5);
  const double score = 0.08 * result.lines + 0.17 * result.identifiers + 0.40 * result.nesting +
                       0.25 * result.structure + 0.10 * result.keywords;
  result.score = std::clamp(score, 0.0, 1.0);
  result.reason = reason_for(result.score);
  return result;
}

}  // namespace vivace
