#include "store/index_words.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include <utf8proc.h>

#include "base/utf8.h"

namespace vivace {
namespace {

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

}  // namespace

std::vector<std::string> index_words(std::string_view text) {
  std::vector<std::string> words;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (size <= 0) return words;
  const std::string_view folded(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
  std::string word;
  for (size_t position = 0; position < folded.size();) {
    const size_t begin = position;
    if (is_word_character(next_code_point(folded, &position))) {
      word += folded.substr(begin, position - begin);
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool is_letter_or_number(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
  }
}

bool is_word_character(char32_t code_point) {
  return is_letter_or_number(code_point) ||
         utf8proc_category(static_cast<utf8proc_int32_t>(code_point)) == UTF8PROC_CATEGORY_CO;
}

bool is_mark(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return true;
    default: return false;
  }
}

}  // namespace vivace
