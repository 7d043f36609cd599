#include "text/tokenizer_base.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "text/text_check.h"
#include "text/tokenizer_json.h"

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

// For all tokens that have none yet. Nearly always they are 0, and to write zeros is what a vector does fastest.
void append_type_ids(int32_t type_id, TokenSequence* tokens) {
  if (type_id == 0) return tokens->type_ids.resize(tokens->ids.size());
  tokens->type_ids.resize(tokens->ids.size(), type_id);
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

Result<TokenizerTraits> read_traits(const JsonValue& root) {
  TokenizerTraits traits;
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(const std::string prefix, model.string_or("continuing_subword_prefix", ""));
  traits.marks_continuations = !prefix.empty();
  const auto truncation = root.find("truncation");
  const auto direction = truncation ? truncation->find("direction") : std::nullopt;
  if (!direction) return traits;
  ASSIGN_OR_RETURN(const std::string_view side, direction->as_string());
  if (side == "Left") traits.truncation_side = TruncationSide::kLeft;
  return traits;
}

}  // namespace

Result<TokenizerBase::SharedParts> TokenizerBase::read_shared(const JsonValue& root, std::vector<std::string> tokens,
                                                              std::span<const AddedToken> added,
                                                              const AddedPatterns& patterns) {
  SharedParts parts;
  ASSIGN_OR_RETURN(parts.post_processor, PostProcessor::read(root, tokens.size()));
  ASSIGN_OR_RETURN(parts.decoder, Decoder::read(optional_part(root, "decoder")));
  for (const AddedToken& token : added) {
    if (token.special) parts.special_tokens.insert(token.content);
  }
  for (const AddedTokenMatcher::Pattern& pattern : patterns.normalized) {
    if (pattern.text != pattern.token.content) parts.normalized_forms.emplace(pattern.token.id, pattern.text);
  }
  parts.vocabulary = Vocabulary(std::move(tokens));
  ASSIGN_OR_RETURN(parts.traits, read_traits(root));
  return parts;
}

Result<std::optional<std::string_view>> TokenizerBase::decoded_name(int32_t id, SkipSpecialTokens skip) const {
  const std::string_view written = m_parts.vocabulary.token(id);
  if (written.empty()) {
    return error(StatusCode::kInvalidArgument, "there is no token with id " + std::to_string(id));
  }
  const auto form = m_parts.normalized_forms.find(id);
  const std::string_view name = form == m_parts.normalized_forms.end() ? written : form->second;
  if (skip == SkipSpecialTokens::kYes && m_parts.special_tokens.contains(std::string(name))) return std::nullopt;
  return name;
}

DecodeStream TokenizerBase::decode_stream(SkipSpecialTokens skip) const {
  return {*this, skip, m_parts.decoder->stream()};
}

Result<std::string> TokenizerBase::decode(std::span<const int32_t> ids, SkipSpecialTokens skip) const {
  DecodeStream stream = decode_stream(skip);
  std::string text;
  for (const int32_t id : ids) {
    ASSIGN_OR_RETURN(const std::string part, stream.push(id));
    text += part;
  }
  return text += stream.finish();
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
    std::vector<TokenBlanks> blanks;
    TokenWriter writer(tokens, cuts_left ? SIZE_MAX : room, options.offsets);
    const bool is_trimmed = keeps_offsets(options) && !layout.trims[0].empty();
    if (is_trimmed) writer.keep_blanks(&blanks);
    RETURN_IF_ERROR(run(text, &writer));
    const size_t count = tokens->ids.size() - begin;
    if (cuts_left && count > room) {
      const size_t end = begin + count - room;
      erase_between(&tokens->ids, begin, end);
      if (keeps_offsets(options)) erase_between(&tokens->offsets, begin, end);
      if (is_trimmed) erase_between(&blanks, 0, count - room);
      tokens->truncated = true;
    }
    if (is_trimmed) trim(layout.trims[0], begin, &blanks, tokens);
    append_type_ids(piece.type_id, tokens);
  }
  return {};
}

Result<TokenizerBase::EncodedText> TokenizerBase::encode_whole(std::string_view text, size_t limit, Offsets offsets,
                                                               const std::vector<OffsetTrim>& trims) const {
  EncodedText encoded;
  TokenWriter writer(&encoded.tokens, limit, offsets);
  if (offsets == Offsets::kKeep && !trims.empty()) writer.keep_blanks(&encoded.blanks);
  RETURN_IF_ERROR(run(text, &writer));
  return encoded;
}

// Where both texts are cut to halves of an odd room, the longer one has the larger half: only then must tokens beyond
// the room be counted. Texts that are cut on the left are needed whole.
Result<std::array<TokenizerBase::EncodedText, 2>> TokenizerBase::encode_both(
    const std::array<std::string_view, 2>& texts, size_t room, const TokenLayout& layout,
    const EncodeOptions& options) const {
  std::array<EncodedText, 2> encoded;
  const bool never_cut = options.truncation == TruncationStrategy::kOnlySecond;
  const bool cuts_left = options.truncation_side == TruncationSide::kLeft;
  for (size_t i = 0; i < 2; ++i) {
    const size_t limit = cuts_left || (i == 0 && never_cut) ? SIZE_MAX : room;
    ASSIGN_OR_RETURN(encoded[i], encode_whole(texts[i], limit, options.offsets, layout.trims[i]));
  }
  const bool both_fill = encoded[0].tokens.ids.size() >= room && encoded[1].tokens.ids.size() >= room;
  if (both_fill && room % 2 == 1 && options.truncation == TruncationStrategy::kLongestFirst) {
    for (size_t i = 0; i < 2; ++i) {
      ASSIGN_OR_RETURN(encoded[i], encode_whole(texts[i], SIZE_MAX, options.offsets, layout.trims[i]));
    }
  }
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
  ASSIGN_OR_RETURN(const auto texts, encode_both({first, second}, room, *layout, options));
  const PairLengths lengths{texts[0].tokens.ids.size(), texts[1].tokens.ids.size()};
  ASSIGN_OR_RETURN(const PairLengths kept, truncate_pair(lengths, room, options.truncation));
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
    append_type_ids(piece.type_id, tokens);
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
  ASSIGN_OR_RETURN(const EncodedText encoded, encode_whole(text, SIZE_MAX, options.offsets, layout.trims[0]));
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
  if (text.blanks.empty()) return;
  std::vector<TokenBlanks> blanks;
  append_slice(text.blanks, range, &blanks);
  trim(trims, begin, &blanks, tokens);
}

// Of the tokens from begin on; *blanks are theirs.
void TokenizerBase::trim(const std::vector<OffsetTrim>& trims, size_t begin, std::vector<TokenBlanks>* blanks,
                         TokenSequence* tokens) const {
  for (size_t i = 0; i < blanks->size(); ++i) {
    if ((*blanks)[i] == kUnknownBlanks) (*blanks)[i] = count_blanks(m_parts.vocabulary.token(tokens->ids[begin + i]));
  }
  trim_offsets(trims, *blanks, std::span(tokens->offsets).subspan(begin));
}

}  // namespace vivace
