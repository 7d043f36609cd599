#include "text/simple_normalizers.h"

#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

bool is_ascii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Calls emit(character, first byte, alignment, out) for every character of the text, which becomes *out.
template <typename Emit>
void rebuild(AlignedText* text, Emit emit) {
  AlignedText out;
  out.bytes.reserve(text->bytes.size());
  out.alignments.reserve(text->bytes.size());
  for (size_t position = 0; position < text->bytes.size();) {
    const TokenOffset alignment = text->alignments[position];
    emit(next_code_point(text->bytes, &position), alignment, &out);
  }
  text->swap(&out);
}

void append_character(char32_t c, TokenOffset alignment, AlignedText* out) {
  append_utf8(c, &out->bytes);
  out->alignments.resize(out->bytes.size(), alignment);
}

bool is_removed_by_nmt(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}

bool is_blank_to_nmt(char32_t c) {
  constexpr char32_t kBlanks[] = {0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD};
  return (c >= 0x200B && c <= 0x200F) || std::find(std::begin(kBlanks), std::end(kBlanks), c) != std::end(kBlanks);
}

}  // namespace

void lowercase(AlignedText* text) {
  if (is_ascii(text->bytes)) {
    for (char& c : text->bytes) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return;
  }
  rebuild(text, [&](char32_t c, TokenOffset alignment, AlignedText* out) {
    const CodePointInfo& info = code_point_info(c);
    if (!info.has(kHasLowercase)) return append_character(c, alignment, out);
    for (const char32_t lower : lowercase_form(info)) append_character(lower, alignment, out);
  });
}

void strip(StripSide side, AlignedText* text) {
  const std::string_view bytes = text->bytes;
  size_t begin = 0;
  while (side != StripSide::kRight && begin < bytes.size()) {
    size_t next = begin;
    if (!code_point_info(next_code_point(bytes, &next)).has(kWhiteSpace)) break;
    begin = next;
  }
  size_t end = bytes.size();
  while (side != StripSide::kLeft && end > begin) {
    size_t previous = end - 1;
    while ((static_cast<uint8_t>(bytes[previous]) & 0xC0) == 0x80) --previous;
    size_t next = previous;
    if (!code_point_info(next_code_point(bytes, &next)).has(kWhiteSpace)) break;
    end = previous;
  }
  if (end - begin == bytes.size()) return;
  AlignedText kept;
  kept.append(*text, begin, end);
  text->swap(&kept);
}

void strip_accents(AlignedText* text) {
  if (is_ascii(text->bytes)) return;
  rebuild(text, [&](char32_t c, TokenOffset alignment, AlignedText* out) {
    if (!code_point_info(c).has(kCombiningMark)) append_character(c, alignment, out);
  });
}

void clean_nmt(AlignedText* text) {
  rebuild(text, [](char32_t c, TokenOffset alignment, AlignedText* out) {
    if (!is_removed_by_nmt(c)) append_character(is_blank_to_nmt(c) ? U' ' : c, alignment, out);
  });
}

void normalize_bert(const BertNormalizer& normalizer, AlignedText* text) {
  ReorderBuffer buffer;
  std::vector<NormalizedChar> characters;
  std::vector<TokenOffset> sources;  // of the characters
  for (size_t position = 0; position < text->bytes.size();) {
    const int32_t index = static_cast<int32_t>(sources.size());
    sources.push_back(text->alignments[position]);
    normalizer.push(next_code_point(text->bytes, &position), index, &buffer, &characters);
  }
  normalizer.finish(&buffer, &characters);
  text->clear();
  for (const NormalizedChar& character : characters) {
    append_character(character.code_point, sources[static_cast<size_t>(character.source)], text);
  }
}

void prepend(std::string_view prefix, AlignedText* text) {
  if (text->bytes.empty()) return;
  if (prefix.empty()) {
    // The package takes the first character for an inserted one then.
    size_t end = 0;
    next_code_point(text->bytes, &end);
    std::fill_n(text->alignments.begin(), end, TokenOffset{text->origin, text->origin});
    return;
  }
  const TokenOffset alignment = text->alignments.front();
  text->bytes.insert(0, prefix);
  text->alignments.insert(text->alignments.begin(), prefix.size(), alignment);
}

void map_bytes(AlignedText* text) {
  AlignedText out;
  out.bytes.reserve(text->bytes.size() * 2);
  for (size_t i = 0; i < text->bytes.size(); ++i) {
    append_character(byte_to_character(static_cast<uint8_t>(text->bytes[i])), text->alignments[i], &out);
  }
  text->swap(&out);
}

}  // namespace vivace
