#include "text/aligned_text.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

// Bytes of the UTF-8 sequence that starts with this byte.
size_t sequence_length(char first) {
  const uint8_t byte = static_cast<uint8_t>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

void AlignedText::assign(std::string_view text, int32_t begin) {
  bytes.assign(text);
  alignments.resize(text.size());
  origin = begin;
  int32_t index = begin;
  for (size_t i = 0; i < text.size(); ++index) {
    const size_t end = std::min(i + sequence_length(text[i]), text.size());
    for (; i < end; ++i) alignments[i] = {index, index + 1};
  }
}

void AlignedText::clear() {
  bytes.clear();
  alignments.clear();
}

void AlignedText::append(std::string_view text, TokenOffset alignment) {
  bytes += text;
  alignments.resize(bytes.size(), alignment);
}

void AlignedText::append(const AlignedText& other, size_t begin, size_t end) {
  bytes.append(other.bytes, begin, end - begin);
  alignments.insert(alignments.end(), other.alignments.begin() + static_cast<std::ptrdiff_t>(begin),
                    other.alignments.begin() + static_cast<std::ptrdiff_t>(end));
}

void AlignedText::swap(AlignedText* other) {
  std::swap(bytes, other->bytes);
  std::swap(alignments, other->alignments);
}

void apply_changes(std::span<const TextChange> changes, AlignedText* text) {
  const std::string old = std::move(text->bytes);
  const std::vector<TokenOffset> old_alignments = std::move(text->alignments);
  text->clear();
  text->bytes.reserve(old.size());
  text->alignments.reserve(old.size());
  size_t position = 0;  // in old
  const auto skip = [&] {
    if (position < old.size()) position = std::min(position + sequence_length(old[position]), old.size());
  };
  for (const TextChange& change : changes) {
    TokenOffset alignment{text->origin, text->origin};
    if (change.change <= 0 && position < old.size()) {
      alignment = old_alignments[position];
    } else if (position > 0) {
      alignment = old_alignments[position - 1];
    }
    if (change.change <= 0) {
      for (int32_t i = 0; i <= -change.change; ++i) skip();
    }
    append_utf8(change.character, &text->bytes);
    text->alignments.resize(text->bytes.size(), alignment);
  }
}

}  // namespace vivace
