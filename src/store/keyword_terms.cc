#include "store/keyword_terms.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "store/index_words.h"

namespace vivace {
namespace {

constexpr std::array<std::string_view, 57> kFunctionWords = {
    "a",    "about", "an",    "and",  "any",   "are",   "as",    "at",   "be",   "been",  "but", "by",
    "can",  "did",   "do",    "does", "for",   "from",  "had",   "has",  "have", "he",    "her", "his",
    "how",  "in",    "into",  "is",   "it",    "its",   "not",   "of",   "on",   "or",    "our", "she",
    "that", "the",   "their", "them", "then",  "there", "these", "they", "this", "those", "to",  "was",
    "we",   "were",  "what",  "when", "where", "which", "who",   "will", "with"};
static_assert(std::ranges::is_sorted(kFunctionWords));

// Where the word that begins in text at begin ends; begin itself where none does.
size_t end_of_word(std::string_view text, size_t begin) {
  size_t end = begin;
  for (size_t position = begin; position < text.size(); end = position) {
    const char32_t c = next_code_point(text, &position);
    const bool goes_on = is_word_character(c) || (end > begin && is_mark(c));
    if (!goes_on) break;
  }
  return end;
}

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

void add_once(std::string term, std::vector<std::string>* terms) {
  if (terms->size() < kMaxKeywordTerms && std::ranges::find(*terms, term) == terms->end()) {
    terms->push_back(std::move(term));
  }
}

}  // namespace

std::vector<std::string> keyword_terms(std::string_view text) {
  std::vector<std::string> terms;
  std::vector<std::string> function_words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = end_of_word(text, begin);
    if (end == begin) {
      next_code_point(text, &begin);
      continue;
    }
    std::string word = lower(text.substr(begin, end - begin));
    begin = end;
    const bool is_function_word = std::ranges::binary_search(kFunctionWords, std::string_view(word));
    add_once(std::move(word), is_function_word ? &function_words : &terms);
  }
  return terms.empty() ? function_words : terms;
}

}  // namespace vivace
