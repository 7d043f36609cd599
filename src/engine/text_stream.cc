#include "engine/text_stream.h"

#include <algorithm>

namespace vivace {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD: bytes that are no character, or not one yet

}  // namespace

size_t find_stop(std::string_view text, std::span<const std::string> stops) {
  size_t first = std::string_view::npos;
  for (const std::string& stop : stops) first = std::min(first, text.find(stop));
  return first;
}

size_t certain_length(std::string_view text, std::span<const std::string> stops) {
  while (text.ends_with(kReplacement)) text.remove_suffix(kReplacement.size());
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  size_t length = text.size();
  for (const std::string& stop : stops) {
    for (size_t count = std::min(stop.size() - 1, text.size()); count > 0; --count) {
      if (!text.ends_with(std::string_view(stop).substr(0, count))) continue;
      length = std::min(length, text.size() - count);
      break;
    }
  }
  return length;
}

Result<void> TextStream::decode(std::span<const int32_t> ids) {
  ASSIGN_OR_RETURN(m_text, m_tokenizer.decode(ids, SkipSpecialTokens::kYes));
  const size_t stop = find_stop(m_text, m_stops);
  m_stopped = stop != std::string::npos;
  if (m_stopped) m_text.resize(stop);
  return {};
}

// A decoder that took back what it had written would make pieces that do not fit: then nothing more is given.
std::string_view TextStream::take(size_t end) {
  if (end <= m_given.size() || !m_text.starts_with(m_given)) return {};
  const size_t begin = m_given.size();
  m_given.assign(m_text, 0, end);
  return std::string_view(m_given).substr(begin);
}

Result<std::string_view> TextStream::update(std::span<const int32_t> ids) {
  RETURN_IF_ERROR(decode(ids));
  return take(m_stopped ? m_text.size() : certain_length(m_text, m_stops));
}

Result<std::string_view> TextStream::finish(std::span<const int32_t> ids) {
  RETURN_IF_ERROR(decode(ids));
  return take(m_text.size());
}

}  // namespace vivace
