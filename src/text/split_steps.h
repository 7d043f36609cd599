// The pre-tokenizers as steps on a PreTokenizedText. See pre_tokenizer.h.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/pre_tokenizer.h"
#include "text/text_pattern.h"

namespace vivace {

// Splits every piece that is no added token: find(piece, segments) appends the segments that cover it.
template <typename Find>
Result<void> split_pieces(SplitBehavior behavior, PreTokenizedText* text, Find find) {
  std::vector<TextPiece> pieces;
  pieces.reserve(text->pieces.size() + text->text.bytes.size() / 4);
  std::vector<Segment> segments;
  for (const TextPiece& piece : text->pieces) {
    if (piece.is_added()) {
      pieces.push_back(piece);
      continue;
    }
    segments.clear();
    const std::string_view bytes = std::string_view(text->text.bytes).substr(piece.begin, piece.end - piece.begin);
    RETURN_IF_ERROR(find(bytes, &segments));
    apply_behavior(behavior, &segments);
    for (const Segment& segment : segments) {
      if (segment.is_match || segment.begin == segment.end) continue;
      pieces.push_back({.begin = piece.begin + segment.begin, .end = piece.begin + segment.end});
    }
  }
  text->pieces = std::move(pieces);
  return {};
}

// The segments of a text where every character that is_match says so of is a match of its own.
template <typename IsMatch>
void find_characters(std::string_view text, std::vector<Segment>* segments, IsMatch is_match) {
  size_t previous = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    if (!is_match(next_code_point(text, &position))) continue;
    if (previous != begin) segments->push_back({previous, begin, false});
    segments->push_back({begin, position, true});
    previous = position;
  }
  if (previous != text.size()) segments->push_back({previous, text.size(), false});
}

// Splits at characters.
template <typename IsMatch>
Result<void> split_at(SplitBehavior behavior, PreTokenizedText* text, IsMatch is_match) {
  return split_pieces(behavior, text, [&](std::string_view bytes, std::vector<Segment>* segments) -> Result<void> {
    find_characters(bytes, segments, is_match);
    return {};
  });
}

enum class PrependScheme { kAlways, kFirst, kNever };

struct MetaspaceOptions {
  char32_t replacement = 0x2581;
  PrependScheme prepend_scheme = PrependScheme::kAlways;
  bool split = true;
};
Result<void> split_metaspace(const MetaspaceOptions& options, PreTokenizedText* text);

struct ByteLevelOptions {
  bool add_prefix_space = true;
  bool use_regex = true;
  bool map_bytes = true;  // to the byte-level alphabet
};
Result<void> split_byte_level(const ByteLevelOptions& options, PreTokenizedText* text);

// Words of \w+ and runs of what is neither in a word nor a blank.
void split_whitespace(PreTokenizedText* text);

// Runs of one script (text/unicode_scripts.h). What stands before the first character of any is removed.
void split_scripts(PreTokenizedText* text);

}  // namespace vivace
