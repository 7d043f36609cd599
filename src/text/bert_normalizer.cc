#include "text/bert_normalizer.h"

#include <algorithm>
#include <array>

namespace vivace {
namespace {

constexpr int32_t kSameSource = -1;

// No step of any normaliser changes a code point with none of these, and no combining class.
constexpr uint16_t kChanging =
    kWhiteSpace | kRemovedByCleaning | kNonspacingMark | kChinese | kDecomposes | kHasLowercase;

}  // namespace

void BertNormalizer::push(char32_t code_point, int32_t source, ReorderBuffer* buffer,
                          std::vector<NormalizedChar>* out) const {
  const CodePointInfo& info = code_point_info(code_point);
  if ((info.flags & kChanging) == 0 && info.combining_class == 0) {
    if (!buffer->empty()) finish(buffer, out);
    buffer->m_last_source = source;
    out->push_back({code_point, source});
    return;
  }
  if (m_options.clean_text) {
    if (info.has(kRemovedByCleaning)) return;
    if (info.has(kWhiteSpace)) code_point = U' ';
  }
  if (m_options.handle_chinese_chars && info.has(kChinese)) {
    // All three are aligned to the character: the first space replaces it, the others are insertions after that.
    decompose(U' ', source, buffer, out);
    decompose(code_point, source, buffer, out);
    decompose(U' ', source, buffer, out);
    return;
  }
  decompose(code_point, source, buffer, out);
}

void BertNormalizer::decompose(char32_t code_point, int32_t source, ReorderBuffer* buffer,
                               std::vector<NormalizedChar>* out) const {
  if (!m_options.strip_accents) return emit(code_point, source, out);
  const CodePointInfo& info = code_point_info(code_point);
  if (!info.has(kDecomposes)) return reorder(code_point, source, buffer, out);
  std::array<char32_t, 3> hangul;
  for (const char32_t part : canonical_decomposition(code_point, info, &hangul)) {
    reorder(part, source, buffer, out);
    source = kSameSource;
  }
}

// The package aligns after reordering: a code point that stands first in its decomposition takes the next source of the
// text, whichever code point that was, and the others repeat the source taken last. So do we.
void BertNormalizer::reorder(char32_t code_point, int32_t source, ReorderBuffer* buffer,
                             std::vector<NormalizedChar>* out) const {
  const uint8_t combining_class = code_point_info(code_point).combining_class;
  if (combining_class != 0) {
    const uint32_t position = static_cast<uint32_t>(buffer->m_pending.size());
    buffer->m_pending.push_back({code_point, position, combining_class, source != kSameSource});
    if (source != kSameSource) buffer->m_sources.push_back(source);
    return;
  }
  if (!buffer->empty()) finish(buffer, out);
  if (source != kSameSource) buffer->m_last_source = source;
  if (!code_point_info(code_point).has(kNonspacingMark)) emit(code_point, buffer->m_last_source, out);
}

void BertNormalizer::finish(ReorderBuffer* buffer, std::vector<NormalizedChar>* out) const {
  const auto by_class = [](const auto& a, const auto& b) {
    return a.combining_class != b.combining_class ? a.combining_class < b.combining_class : a.position < b.position;
  };
  auto& pending = buffer->m_pending;
  std::sort(pending.begin(), pending.end(), by_class);
  auto next_source = buffer->m_sources.begin();
  for (const auto& waiting : pending) {
    if (waiting.takes_source) buffer->m_last_source = *next_source++;
    if (!code_point_info(waiting.code_point).has(kNonspacingMark)) emit(waiting.code_point, buffer->m_last_source, out);
  }
  pending.clear();
  buffer->m_sources.clear();
}

void BertNormalizer::emit(char32_t code_point, int32_t source, std::vector<NormalizedChar>* out) const {
  const CodePointInfo& info = code_point_info(code_point);
  if (!m_options.lowercase || !info.has(kHasLowercase)) {
    out->push_back({code_point, source});
    return;
  }
  for (const char32_t lower : lowercase_form(info)) out->push_back({lower, source});
}

}  // namespace vivace
