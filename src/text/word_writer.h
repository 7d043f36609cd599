// Collects normalised characters into words, and hands each finished word's pieces to a TokenWriter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "text/bert_normalizer.h"
#include "text/token_writer.h"
#include "text/unicode_tables.h"
#include "text/wordpiece.h"

namespace vivace {

// Belongs to one encoding run. The model and the writer must outlive it.
class WordWriter {
 public:
  WordWriter(const WordPiece& model, TokenWriter* writer);

  // The next character of the text: may end a word, be one, or continue one.
  void add(const NormalizedChar& character);
  // The same for an ASCII character that cannot end a word.
  void add_letter(uint8_t letter, int32_t source);
  // Whether the next character would begin a word.
  bool empty() const { return m_char_count == 0; }
  // Ends the word at the end of a text or in front of an added token.
  void finish_word();

 private:
  void append(const NormalizedChar& character);
  bool count_char(int32_t source);

  const WordPiece& m_model;
  TokenWriter& m_writer;
  std::vector<WordPiece::Piece> m_pieces;
  std::string m_word;              // cut off after max_input_chars_per_word: it is unknown from there on
  std::vector<int32_t> m_sources;  // of each byte of m_word
  size_t m_char_count = 0;         // the whole word's
  int32_t m_last_source = 0;
};

// Bytes as they are.
const ByteFold& identity_fold();

}  // namespace vivace
