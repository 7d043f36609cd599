#include "engine/text_stream.h"

namespace vivace {

void TextStream::append(std::string_view part) {
  m_text += part;
  const size_t stop = m_stops.push(part);
  if (stop == StopMatcher::kNone) return;
  m_stopped = true;
  m_text.resize(stop);
}

void TextStream::read(std::span<const int32_t> ids) {
  for (; m_read < ids.size() && !m_stopped; ++m_read) {
    if (const auto part = m_decoder.push(ids[m_read])) append(*part);
  }
}

std::string_view TextStream::take(size_t end) {
  const std::string_view piece = std::string_view(m_text).substr(m_given, end - m_given);
  m_given = end;
  return piece;
}

std::string_view TextStream::update(std::span<const int32_t> ids) {
  read(ids);
  return take(m_stopped ? m_text.size() : m_text.size() - m_stops.held());
}

std::string_view TextStream::finish(std::span<const int32_t> ids) {
  read(ids);
  if (!m_stopped) append(m_decoder.finish());
  return take(m_text.size());
}

}  // namespace vivace
