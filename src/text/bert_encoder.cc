#include "text/bert_encoder.h"

#include "base/utf8.h"

namespace vivace {

void BertEncoder::run() {
  while (m_position < m_text.size() && !m_writer.truncated()) {
    const uint8_t byte = byte_at(m_position);
    switch (m_pipeline.byte_kinds[byte]) {
      case ByteKind::kLetter: take_ascii_word(); break;
      case ByteKind::kSpace: ++m_position; break;
      case ByteKind::kIsolated: {
        const int32_t index = static_cast<int32_t>(m_position - m_skew);
        m_writer.add(m_pipeline.isolated_tokens[byte], index, index + 1);
        ++m_position;
        break;
      }
      case ByteKind::kSlow: take_any_words(); break;
    }
  }
}

void BertEncoder::take_ascii_word() {
  const ByteTrie& trie = m_pipeline.model.trie();
  const size_t begin = m_position;
  size_t end = begin;
  ByteTrie::Node node = ByteTrie::kRoot;
  for (; end < m_text.size(); ++end) {
    const uint8_t letter = m_pipeline.letters[byte_at(end)];
    if (letter == 0) break;
    if (node != ByteTrie::kDead) node = trie.step(node, letter);
  }
  // What follows may still belong to the word: an accented letter, a combining mark, a character that cleaning removes.
  if (end < m_text.size() && m_pipeline.byte_kinds[byte_at(end)] == ByteKind::kSlow) return take_any_words();
  m_position = end;
  write_ascii_word(begin, node);
}

// node is where the trie stands after the word that ends at m_position.
void BertEncoder::write_ascii_word(size_t begin, ByteTrie::Node node) {
  const WordPiece& model = m_pipeline.model;
  const int32_t first = static_cast<int32_t>(begin - m_skew);
  const int32_t last = static_cast<int32_t>(m_position - m_skew);
  if (m_position - begin > model.options().max_input_chars_per_word) {
    return m_writer.add(model.options().unk_id, first, last);
  }
  if (node != ByteTrie::kDead && model.trie().value(node) != ByteTrie::kNoValue) {
    return m_writer.add(model.trie().value(node), first, last);
  }
  if (!model.split(m_text.substr(begin, m_position - begin), m_pipeline.letters, &m_pieces)) {
    return m_writer.add(model.options().unk_id, first, last);
  }
  int32_t piece_begin = first;
  for (const WordPiece::Piece& piece : m_pieces) {
    const int32_t piece_end = first + static_cast<int32_t>(piece.end);
    m_writer.add(piece.id, piece_begin, piece_end);
    piece_begin = piece_end;
  }
  m_pieces.clear();
}

// Everything up to the next ASCII white space, punctuation or added token. m_position is not inside a word.
void BertEncoder::take_any_words() {
  bool at_start = true;
  while (m_position < m_text.size() && !m_writer.truncated()) {
    const uint8_t byte = byte_at(m_position);
    const ByteKind kind = m_pipeline.byte_kinds[byte];
    if (kind == ByteKind::kSpace || kind == ByteKind::kIsolated) break;
    if (const auto match = m_added_tokens.match_at(m_position)) {
      finish_words();
      return take_added_token(*match);
    }
    const int32_t index = static_cast<int32_t>(m_position - m_skew);
    if (kind == ByteKind::kLetter) {
      if (!m_reorder.empty()) {
        m_pipeline.normalizer.finish(&m_reorder, &m_normalized);
        drain();
      }
      // After a punctuation character beyond ASCII, a word may begin that is plain again.
      if (m_words.empty() && !at_start) return;
      m_words.add_letter(m_pipeline.letters[byte], index);
      ++m_position;
    } else {
      const char32_t code_point = next_code_point(m_text, &m_position);
      m_skew = m_position - static_cast<size_t>(index) - 1;
      m_pipeline.normalizer.push(code_point, index, &m_reorder, &m_normalized);
      drain();
    }
    at_start = false;
  }
  finish_words();
}

void BertEncoder::finish_words() {
  m_pipeline.normalizer.finish(&m_reorder, &m_normalized);
  drain();
  m_words.finish_word();
}

void BertEncoder::drain() {
  for (const NormalizedChar& character : m_normalized) m_words.add(character);
  m_normalized.clear();
}

void BertEncoder::take_added_token(AddedTokenMatch match) {
  for (;;) {
    const int32_t end_index = code_point_index(match.end);
    m_writer.add_text_token(match.id, code_point_index(match.begin), end_index,
                            m_text.substr(match.begin, match.end - match.begin));
    m_position = match.end;
    m_skew = m_position - static_cast<size_t>(end_index);
    // A token that begins with white space may still be found in the space that this one took along.
    const auto next = m_added_tokens.next(m_added_tokens.resume(), match.end);
    if (!next) return;
    match = *next;
  }
}

int32_t BertEncoder::code_point_index(size_t position) const {
  const size_t index = m_position - m_skew;
  if (position < m_position) {
    return static_cast<int32_t>(index - count_code_points(m_text.substr(position, m_position - position)));
  }
  return static_cast<int32_t>(index + count_code_points(m_text.substr(m_position, position - m_position)));
}

}  // namespace vivace
