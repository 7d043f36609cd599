#include "text/split_steps.h"

#include "text/byte_alphabet.h"
#include "text/byte_level_split.h"
#include "text/unicode_scripts.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

// Rewrites every piece that is no added token: append(piece's bytes, first byte, out) writes its new form.
template <typename Append>
void rewrite_pieces(PreTokenizedText* text, Append append) {
  AlignedText out;
  out.bytes.reserve(text->text.bytes.size() * 5 / 4);
  out.alignments.reserve(text->text.bytes.size() * 5 / 4);
  for (TextPiece& piece : text->pieces) {
    const size_t begin = out.bytes.size();
    if (piece.is_added()) {
      out.append(text->text, piece.begin, piece.end);
    } else {
      append(std::string_view(text->text.bytes).substr(piece.begin, piece.end - piece.begin), piece.begin, &out);
    }
    piece.begin = begin;
    piece.end = out.bytes.size();
  }
  text->text.swap(&out);
}

}  // namespace

Result<void> split_metaspace(const MetaspaceOptions& options, PreTokenizedText* text) {
  std::string replacement;
  append_utf8(options.replacement, &replacement);
  rewrite_pieces(text, [&](std::string_view bytes, size_t begin, AlignedText* out) {
    const std::vector<TokenOffset>& alignments = text->text.alignments;
    const bool starts_with_it = bytes.starts_with(' ') || bytes.starts_with(replacement);
    const bool is_wanted = options.prepend_scheme == PrependScheme::kAlways ||
                           (options.prepend_scheme == PrependScheme::kFirst && alignments[begin].begin == 0);
    if (is_wanted && !starts_with_it) out->append(replacement, alignments[begin]);
    size_t previous = 0;
    for (size_t at = bytes.find(' '); at != std::string_view::npos; at = bytes.find(' ', previous)) {
      out->append(text->text, begin + previous, begin + at);
      out->append(replacement, alignments[begin + at]);
      previous = at + 1;
    }
    out->append(text->text, begin + previous, begin + bytes.size());
  });
  if (!options.split) return {};
  return split_pieces(SplitBehavior::kMergedWithNext, text,
                      [&](std::string_view bytes, std::vector<Segment>* segments) -> Result<void> {
                        size_t previous = 0;
                        for (size_t at = bytes.find(replacement); at != std::string_view::npos;
                             at = bytes.find(replacement, previous)) {
                          if (previous != at) segments->push_back({previous, at, false});
                          previous = at + replacement.size();
                          segments->push_back({at, previous, true});
                        }
                        if (previous != bytes.size()) segments->push_back({previous, bytes.size(), false});
                        return {};
                      });
}

Result<void> split_byte_level(const ByteLevelOptions& options, PreTokenizedText* text) {
  if (options.add_prefix_space) {
    rewrite_pieces(text, [&](std::string_view bytes, size_t begin, AlignedText* out) {
      if (!bytes.starts_with(' ')) out->append(" ", text->text.alignments[begin]);
      out->append(text->text, begin, begin + bytes.size());
    });
  }
  if (options.use_regex) {
    std::vector<TextPiece> pieces;
    pieces.reserve(text->pieces.size() + text->text.bytes.size() / 4);
    for (const TextPiece& piece : text->pieces) {
      if (piece.is_added()) {
        pieces.push_back(piece);
        continue;
      }
      const std::string_view bytes = std::string_view(text->text.bytes).substr(piece.begin, piece.end - piece.begin);
      for (size_t begin = 0; begin < bytes.size();) {
        const size_t end = byte_level_piece_end(bytes, begin);
        pieces.push_back({.begin = piece.begin + begin, .end = piece.begin + end});
        begin = end;
      }
    }
    text->pieces = std::move(pieces);
  }
  if (!options.map_bytes) return {};
  rewrite_pieces(text, [&](std::string_view bytes, size_t begin, AlignedText* out) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      append_utf8(byte_to_character(static_cast<uint8_t>(bytes[i])), &out->bytes);
      out->alignments.resize(out->bytes.size(), text->text.alignments[begin + i]);
    }
  });
  return {};
}

void split_whitespace(PreTokenizedText* text) {
  std::vector<TextPiece> pieces;
  for (const TextPiece& piece : text->pieces) {
    if (piece.is_added()) {
      pieces.push_back(piece);
      continue;
    }
    bool in_piece = false;
    bool in_word = false;
    for (size_t position = piece.begin; position < piece.end;) {
      const size_t begin = position;
      const CodePointInfo& info = code_point_info(next_code_point(text->text.bytes, &position));
      const bool is_word = info.has(kWordCharacter);
      const bool is_blank = !is_word && info.has(kWhiteSpace);
      if (in_piece && !is_blank && is_word == in_word) {
        pieces.back().end = position;
      } else if (!is_blank) {
        pieces.push_back({.begin = begin, .end = position});
      }
      in_piece = !is_blank;
      in_word = is_word;
    }
  }
  text->pieces = std::move(pieces);
}

void split_scripts(PreTokenizedText* text) {
  std::vector<TextPiece> pieces;
  for (const TextPiece& piece : text->pieces) {
    if (piece.is_added()) {
      pieces.push_back(piece);
      continue;
    }
    uint16_t last = kAnyScript;
    for (size_t position = piece.begin; position < piece.end;) {
      const size_t begin = position;
      const uint16_t script = script_of(next_code_point(text->text.bytes, &position));
      if (script != kAnyScript && script != last) {
        pieces.push_back({.begin = begin, .end = position});
        last = script;
      } else if (last != kAnyScript) {
        pieces.back().end = position;
      }
    }
  }
  text->pieces = std::move(pieces);
}

}  // namespace vivace
