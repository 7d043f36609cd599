// The words of a text for an index that a database keeps without a tokenizer of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vivace {

// Runs of letters and digits of any script, folded to lower case and without diacritics: the words that SQLite's
// tokenizer "unicode61 remove_diacritics 2" finds. text: valid UTF-8.
std::vector<std::string> index_words(std::string_view text);

// Of any script.
bool is_letter_or_number(char32_t code_point);
// Letters, numbers and private use: what such a word is made of.
bool is_word_character(char32_t code_point);
// What belongs to the character before it, and is not in the words above: accents, vowel signs.
bool is_mark(char32_t code_point);

}  // namespace vivace
