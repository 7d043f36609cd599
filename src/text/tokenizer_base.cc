#include "text/tokenizer_base.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "text/text_check.h"

namespace vivace {
namespace {

using Kind = TemplatePiece::Kind;

bool keeps_offsets(const EncodeOptions& options) {
  return options.offsets == Offsets::kKeep;
}

void append_special(const TemplatePiece& piece, const EncodeOptions& options, TokenSequence* tokens) {
  tokens->ids.push_back(piece.id);
  tokens->type_ids.push_back(piece.type_id);
  if (keeps_offsets(options)) tokens->offsets.push_back({});
}

template <typename T>
void erase_between(std::vector<T>* items, size_t begin, size_t end) {
  items->erase(std::next(items->begin(), static_cast<std::ptrdiff_t>(begin)),
               std::next(items->begin(), static_cast<std::ptrdiff_t>(end)));
}

template <typename T>
void append_slice(const std::vector<T>& items, TokenRange range, std::vector<T>* out) {
  out->insert(out->end(), std::next(items.begin(), static_cast<std::ptrdiff_t>(range.begin)),
              std::next(items.begin(), static_cast<std::ptrdiff_t>(range.end)));
}

// The package stops a text of a pair after the split (from the cut end) that brings it to max_tokens, and compares the
// lengths that it has then.
size_t counted_length(const TokenSequence& tokens, const TokenNotes& notes, const EncodeOptions& options) {
  const size_t count = tokens.ids.size();
  if (options.truncation_side == TruncationSide::kRight || options.max_tokens == 0) return count;
  for (auto begin = notes.split_begins.rbegin(); begin != notes.split_begins.rend(); ++begin) {
    if (count - *begin >= options.max_tokens) return count - *begin;
  }
  return count;
}

}  // namespace

Result<TokenizerBase::SharedParts> TokenizerBase::read_shared(const JsonValue& root, std::vector<std::string> tokens,
                                                              std::span<const AddedToken> added) {
  SharedParts parts;
  ASSIGN_OR_RETURN(parts.post_processor, PostProcessor::read(root, tokens.size()));
  for (const AddedToken& token : added) {
    if (!token.special) continue;
    parts.is_special.resize(std::max(parts.is_special.size(), static_cast<size_t>(token.id) + 1));
    parts.is_special[static_cast<size_t>(token.id)] = true;
  }
  parts.vocabulary = Vocabulary(std::move(tokens));
  const auto decoder = root.find("decoder");
  parts.decoder = "null";
  if (decoder) {
    ASSIGN_OR_RETURN(parts.decoder, decoder->string_or("type", "null"));
  }
  return parts;
}

Result<std::string> TokenizerBase::decode(std::span<const int32_t> ids, SkipSpecialTokens skip) const {
  if (m_parts.decoder != "null") {
    return error(StatusCode::kUnsupported, "decoding with '" + printable(m_parts.decoder) + "' is not supported");
  }
  std::string text;
  for (const int32_t id : ids) {
    const std::string_view token = m_parts.vocabulary.token(id);
    if (token.empty()) {
      return error(StatusCode::kInvalidArgument, "there is no token with id " + std::to_string(id));
    }
    const size_t index = static_cast<size_t>(id);
    if (skip == SkipSpecialTokens::kYes && index < m_parts.is_special.size() && m_parts.is_special[index]) continue;
    if (!text.empty()) text += ' ';
    text += token;
  }
  return text;
}

Result<size_t> TokenizerBase::room_for_text(const TokenLayout& layout, const EncodeOptions& options) const {
  if (options.max_tokens == 0) return SIZE_MAX;
  const size_t added = layout.special_count();
  if (options.max_tokens >= added) return options.max_tokens - added;
  return error(StatusCode::kInvalidArgument, "a limit of " + std::to_string(options.max_tokens) +
                                                 " tokens leaves no room for the " + std::to_string(added) +
                                                 " special tokens");
}

Result<void> TokenizerBase::encode(std::string_view text, const EncodeOptions& options, TokenSequence* tokens) const {
  tokens->clear();
  RETURN_IF_ERROR(check_text(text));
  const TokenLayout& layout = m_parts.post_processor.single(options.special_tokens);
  ASSIGN_OR_RETURN(const size_t room, room_for_text(layout, options));
  const bool cuts_left = options.truncation_side == TruncationSide::kLeft;
  for (const TemplatePiece& piece : layout.pieces) {
    if (piece.kind == Kind::kSpecialToken) {
      append_special(piece, options, tokens);
      continue;
    }
    const size_t begin = tokens->ids.size();
    TokenNotes notes;
    TokenWriter writer(tokens, cuts_left ? SIZE_MAX : room, options.offsets);
    const bool is_trimmed = keeps_offsets(options) && !layout.trims[0].empty();
    if (is_trimmed) writer.keep_blanks(&notes);
    RETURN_IF_ERROR(run(text, &writer));
    const size_t count = tokens->ids.size() - begin;
    if (cuts_left && count > room) {
      const size_t end = begin + count - room;
      erase_between(&tokens->ids, begin, end);
      if (keeps_offsets(options)) erase_between(&tokens->offsets, begin, end);
      if (is_trimmed) erase_between(&notes.blanks, 0, count - room);
      tokens->truncated = true;
    }
    if (is_trimmed) trim(layout.trims[0], begin, &notes, tokens);
    tokens->type_ids.resize(tokens->ids.size(), piece.type_id);
  }
  return {};
}

Result<TokenizerBase::EncodedText> TokenizerBase::encode_pair_text(std::string_view text, const EncodeOptions& options,
                                                                   bool is_trimmed) const {
  EncodedText encoded;
  TokenWriter writer(&encoded.tokens, SIZE_MAX, options.offsets);
  if (is_trimmed) writer.keep_blanks(&encoded.notes);
  if (options.max_tokens != 0) {
    if (options.truncation_side == TruncationSide::kRight) {
      writer.end_with_split_at(options.max_tokens);
    } else {
      writer.keep_splits(&encoded.notes);
    }
  }
  RETURN_IF_ERROR(run(text, &writer));
  return encoded;
}

Result<void> TokenizerBase::encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options,
                                        TokenSequence* tokens) const {
  tokens->clear();
  RETURN_IF_ERROR(check_text(first));
  RETURN_IF_ERROR(check_text(second));
  const TokenLayout* layout = m_parts.post_processor.pair(options.special_tokens);
  if (layout == nullptr) {
    return error(StatusCode::kUnsupported, "this tokenizer's template does not take two texts at once");
  }
  ASSIGN_OR_RETURN(const size_t room, room_for_text(*layout, options));
  std::array<EncodedText, 2> texts;
  std::array<size_t, 2> counted{};
  for (size_t i = 0; i < 2; ++i) {
    // A first text that is never cut is needed whole.
    EncodeOptions own = options;
    if (i == 0 && options.truncation == TruncationStrategy::kOnlySecond) own.max_tokens = 0;
    const bool is_trimmed = keeps_offsets(options) && !layout->trims[i].empty();
    ASSIGN_OR_RETURN(texts[i], encode_pair_text(i == 0 ? first : second, own, is_trimmed));
    counted[i] = counted_length(texts[i].tokens, texts[i].notes, own);
  }
  ASSIGN_OR_RETURN(const PairLengths kept, truncate_pair({counted[0], counted[1]}, room, options.truncation));
  for (const TemplatePiece& piece : layout->pieces) {
    if (piece.kind == Kind::kSpecialToken) {
      append_special(piece, options, tokens);
      continue;
    }
    const size_t i = piece.kind == Kind::kFirstText ? 0 : 1;
    const size_t count = texts[i].tokens.ids.size();
    const size_t length = i == 0 ? kept.first : kept.second;
    tokens->truncated = tokens->truncated || texts[i].tokens.truncated || length < count;
    append_text(texts[i], kept_range(count, length, options.truncation_side), layout->trims[i], tokens);
    tokens->type_ids.resize(tokens->ids.size(), piece.type_id);
  }
  return {};
}

Result<std::vector<TokenSequence>> TokenizerBase::encode_windows(std::string_view text,
                                                                 const EncodeOptions& options) const {
  RETURN_IF_ERROR(check_text(text));
  const TokenLayout& layout = m_parts.post_processor.single(options.special_tokens);
  ASSIGN_OR_RETURN(const size_t room, room_for_text(layout, options));
  if (options.stride >= room) {
    return error(StatusCode::kInvalidArgument, "windows that repeat " + std::to_string(options.stride) +
                                                   " tokens have nothing new where a limit of " +
                                                   std::to_string(options.max_tokens) + " tokens leaves room for " +
                                                   std::to_string(room));
  }
  EncodedText encoded;
  TokenWriter writer(&encoded.tokens, SIZE_MAX, options.offsets);
  if (keeps_offsets(options) && !layout.trims[0].empty()) writer.keep_blanks(&encoded.notes);
  RETURN_IF_ERROR(run(text, &writer));
  ASSIGN_OR_RETURN(const auto ranges,
                   window_ranges(encoded.tokens.ids.size(), room, options.stride, options.truncation_side));
  std::vector<TokenSequence> windows(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    for (const TemplatePiece& piece : layout.pieces) {
      if (piece.kind == Kind::kSpecialToken) {
        append_special(piece, options, &windows[i]);
        continue;
      }
      append_text(encoded, ranges[i], layout.trims[0], &windows[i]);
      windows[i].type_ids.resize(windows[i].ids.size(), piece.type_id);
    }
  }
  return windows;
}

void TokenizerBase::append_text(const EncodedText& text, TokenRange range, const std::vector<OffsetTrim>& trims,
                                TokenSequence* tokens) const {
  const size_t begin = tokens->ids.size();
  append_slice(text.tokens.ids, range, &tokens->ids);
  if (text.tokens.offsets.empty()) return;
  append_slice(text.tokens.offsets, range, &tokens->offsets);
  if (text.notes.blanks.empty()) return;
  TokenNotes notes;
  append_slice(text.notes.blanks, range, &notes.blanks);
  trim(trims, begin, &notes, tokens);
}

// Of the tokens from begin on; notes are theirs.
void TokenizerBase::trim(const std::vector<OffsetTrim>& trims, size_t begin, TokenNotes* notes,
                         TokenSequence* tokens) const {
  for (size_t i = 0; i < notes->blanks.size(); ++i) {
    TokenBlanks& blanks = notes->blanks[i];
    if (blanks == kUnknownBlanks) blanks = count_blanks(m_parts.vocabulary.token(tokens->ids[begin + i]));
  }
  trim_offsets(trims, notes->blanks, std::span(tokens->offsets).subspan(begin));
}

}  // namespace vivace
