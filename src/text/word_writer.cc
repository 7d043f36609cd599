#include "text/word_writer.h"

#include "base/utf8.h"
#include "text/bert_pre_tokenizer.h"

namespace vivace {
namespace {

constexpr size_t kUsualWordBytes = 64;  // spares the first words of a text the growing

}  // namespace

const ByteFold& identity_fold() {
  static const ByteFold fold = [] {
    ByteFold bytes;
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    return bytes;
  }();
  return fold;
}

WordWriter::WordWriter(const WordPiece& model, TokenWriter* writer) : m_model(model), m_writer(*writer) {}

void WordWriter::add(const NormalizedChar& character) {
  switch (bert_word_break(code_point_info(character.code_point))) {
    case WordBreak::kInside: append(character); break;
    case WordBreak::kSpace: finish_word(); break;
    case WordBreak::kIsolated:
      finish_word();
      append(character);
      finish_word();
      break;
  }
}

void WordWriter::append(const NormalizedChar& character) {
  if (!count_char(character.source)) return;
  append_utf8(character.code_point, &m_word);
  while (m_sources.size() < m_word.size()) m_sources.push_back(character.source);
}

void WordWriter::add_letter(uint8_t letter, int32_t source) {
  if (!count_char(source)) return;
  m_word.push_back(static_cast<char>(letter));
  m_sources.push_back(source);
}

// False when the character need not be kept. The first always is: its source is where the word begins.
bool WordWriter::count_char(int32_t source) {
  if (m_sources.capacity() == 0) {
    m_word.reserve(kUsualWordBytes);
    m_sources.reserve(kUsualWordBytes);
  }
  m_last_source = source;
  ++m_char_count;
  return m_char_count <= m_model.options().max_input_chars_per_word || m_char_count == 1;
}

void WordWriter::finish_word() {
  if (m_char_count == 0) return;
  const bool fits = m_char_count <= m_model.options().max_input_chars_per_word;
  if (fits && m_model.split(m_word, identity_fold(), &m_pieces)) {
    size_t begin = 0;
    for (const WordPiece::Piece& piece : m_pieces) {
      m_writer.add(piece.id, m_sources[begin], m_sources[piece.end - 1] + 1);
      begin = piece.end;
    }
  } else {
    m_writer.add(m_model.options().unk_id, m_sources.front(), m_last_source + 1);
  }
  m_pieces.clear();
  m_word.clear();
  m_sources.clear();
  m_char_count = 0;
}

}  // namespace vivace
