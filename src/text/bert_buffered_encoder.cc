#include "text/bert_buffered_encoder.h"

#include <algorithm>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr size_t kStretchGrowth = 4;
constexpr size_t kLongestCodePoint = 4;  // bytes: what single_word looks at beyond a match

}  // namespace

void BertBufferedEncoder::run() {
  // A match may be followed by others in the space that it took along, so matches end the run, not the position.
  for (bool more = true; more && !m_writer.truncated();) {
    const size_t tokens_before = m_writer.size();
    const AddedTokenScanner scanner_before = m_added_tokens;
    Stretch stretch;
    for (size_t length = m_first_stretch;; length *= kStretchGrowth) {
      m_added_tokens.rewind_to(scanner_before);
      m_writer.shrink(tokens_before);
      stretch = next_stretch(length);
      normalize(stretch.end);
      encode_normalized(stretch.cut);
      if (!stretch.cut || m_writer.truncated()) break;
    }
    if (m_writer.truncated()) return;
    advance(stretch.end);
    more = stretch.added_token.has_value();
    if (more) {
      const int32_t begin = m_code_point_index;
      advance(stretch.added_token->end);
      const AddedTokenMatch& match = *stretch.added_token;
      m_writer.add_text_token(match.id, begin, m_code_point_index, m_text.substr(match.begin, match.end - match.begin));
    }
  }
}

// From m_position to the next added token, or as far as length reaches. A cut is made between two ASCII bytes, so that
// no combining characters are parted, and after no white space, which an added token behind the cut could take along.
BertBufferedEncoder::Stretch BertBufferedEncoder::next_stretch(size_t length) {
  const size_t rest = m_text.size() - m_position;
  size_t end = m_position + std::min(length, rest);
  if (auto match = m_added_tokens.next(m_added_tokens.resume(), end)) return {match->begin, false, match};
  const auto is_ascii = [&](size_t i) { return static_cast<uint8_t>(m_text[i]) < 0x80; };
  while (end > m_position && end < m_text.size() && !(is_ascii(end) && is_ascii(end - 1) && m_text[end - 1] > ' '))
    --end;
  return {end, end < m_text.size(), std::nullopt};
}

void BertBufferedEncoder::normalize(size_t end) {
  ReorderBuffer reorder;
  std::vector<NormalizedChar> normalized;
  m_bytes.clear();
  m_sources.clear();
  const auto drain = [&] {
    for (const NormalizedChar& character : normalized) {
      append_utf8(character.code_point, &m_bytes);
      m_sources.resize(m_bytes.size(), character.source);
    }
    normalized.clear();
  };
  int32_t index = m_code_point_index;
  for (size_t position = m_position; position < end; ++index) {
    m_pipeline.normalizer.push(next_code_point(m_text, &position), index, &reorder, &normalized);
    drain();
  }
  m_pipeline.normalizer.finish(&reorder, &normalized);
  drain();
}

// How far the normalised bytes decide their tokens whatever follows: to a space (words end there) far enough from the
// end that no longer pattern could begin before it.
size_t BertBufferedEncoder::certain_end(bool cut) const {
  if (!cut) return m_bytes.size();
  const size_t margin = m_pipeline.normalized_added_tokens.longest_pattern() + kLongestCodePoint;
  if (m_bytes.size() <= margin) return 0;
  const size_t space = m_bytes.rfind(' ', m_bytes.size() - margin);
  return space == std::string::npos ? 0 : space;
}

void BertBufferedEncoder::encode_normalized(bool cut) {
  const size_t certain = certain_end(cut);
  AddedTokenScanner scanner(m_pipeline.normalized_added_tokens, m_bytes);
  size_t position = 0;
  while (!m_writer.truncated()) {
    const auto match = scanner.next(scanner.resume(), m_bytes.size());
    write_words(position, std::min(match ? match->begin : m_bytes.size(), certain));
    if (!match || (cut && (scanner.resume() > certain || match->end == m_bytes.size()))) return;
    m_writer.add_text_token(match->id, m_sources[match->begin], m_sources[match->end - 1] + 1,
                            std::string_view(m_bytes).substr(match->begin, match->end - match->begin));
    position = match->end;
  }
}

void BertBufferedEncoder::write_words(size_t begin, size_t end) {
  for (size_t position = begin; position < end && !m_writer.truncated();) {
    const int32_t source = m_sources[position];
    m_words.add({next_code_point(m_bytes, &position), source});
  }
  m_words.finish_word();
}

// Moves m_position, forwards or (over space that two added tokens claim) backwards.
void BertBufferedEncoder::advance(size_t position) {
  const auto count = [&](size_t begin, size_t end) {
    return static_cast<int32_t>(count_code_points(m_text.substr(begin, end - begin)));
  };
  if (position >= m_position) {
    m_code_point_index += count(m_position, position);
  } else {
    m_code_point_index -= count(position, m_position);
  }
  m_position = position;
}

}  // namespace vivace
