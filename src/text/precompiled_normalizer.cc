#include "text/precompiled_normalizer.h"

#include <algorithm>
#include <vector>

#include "base/utf8.h"

namespace vivace {
namespace {

void append_characters(std::string_view text, std::vector<TextChange>* changes) {
  for (size_t position = 0; position < text.size();) changes->push_back({next_code_point(text, &position), 0});
}

// The package counts a longer replacement's last characters as insertions, and what a shorter one lacks as removed with
// its last character, which for an empty one is the character before.
void append_replacement(std::string_view old_text, std::string_view new_text, std::vector<TextChange>* changes) {
  const auto old_count = static_cast<int32_t>(count_code_points(old_text));
  const auto new_count = static_cast<int32_t>(count_code_points(new_text));
  append_characters(new_text, changes);
  if (changes->empty()) return;
  if (new_count < old_count) changes->back().change += new_count - old_count;
  for (int32_t i = 0; i < new_count - old_count; ++i)
    (*changes)[changes->size() - 1 - static_cast<size_t>(i)].change = 1;
}

}  // namespace

void normalize_precompiled(const Precompiled& table, AlignedText* text) {
  std::vector<PrecompiledPart> parts;
  table.split(text->bytes, &parts);
  if (std::none_of(parts.begin(), parts.end(), [](const PrecompiledPart& part) { return part.is_replaced; })) return;
  const std::string_view bytes = text->bytes;
  std::vector<TextChange> changes;
  changes.reserve(bytes.size());
  for (const PrecompiledPart& part : parts) {
    const std::string_view old_text = bytes.substr(part.begin, part.end - part.begin);
    if (part.is_replaced) {
      append_replacement(old_text, part.replacement, &changes);
    } else {
      append_characters(old_text, &changes);
    }
  }
  apply_changes(changes, text);
}

}  // namespace vivace
