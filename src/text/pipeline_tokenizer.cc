#include "text/pipeline_tokenizer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "text/added_patterns.h"
#include "text/bpe.h"
#include "text/component_registry.h"
#include "text/tokenizer_json.h"
#include "text/unicode_tables.h"
#include "text/unigram.h"
#include "text/word_level.h"
#include "text/wordpiece_model.h"

namespace vivace {
namespace {

using ModelReader = Result<std::unique_ptr<const TokenModel>>(const JsonValue&, std::vector<std::string>*);

constexpr NamedReader<ModelReader> kModels[] = {
    {"BPE", read_bpe}, {"Unigram", read_unigram}, {"WordLevel", read_word_level}, {"WordPiece", read_wordpiece_model}};

struct Splitting {
  std::unique_ptr<const PreTokenizer> pre_tokenizer;
  std::unique_ptr<const TokenModel> model;
  bool is_character_bpe = false;
  bool is_byte_level_bpe = false;
};

// A byte-level BPE after a ByteLevel step works on the bytes themselves, where it can.
Result<Splitting> read_splitting(const JsonValue& root, std::vector<std::string>* tokens) {
  Splitting splitting;
  ASSIGN_OR_RETURN(splitting.pre_tokenizer, PreTokenizer::read(optional_part(root, "pre_tokenizer")));
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(auto* const read, find_reader<ModelReader>(model, kModels));
  if (read == read_bpe) {
    if (auto plain = splitting.pre_tokenizer->without_byte_map()) {
      auto byte_model = read_byte_level_bpe(model, tokens);
      if (byte_model) return Splitting{std::move(plain), std::move(*byte_model), false, true};
      if (byte_model.error().code != StatusCode::kUnsupported) return std::unexpected(byte_model.error());
      tokens->clear();
    }
  }
  ASSIGN_OR_RETURN(splitting.model, read(model, tokens));
  splitting.is_character_bpe = read == read_bpe;
  return splitting;
}

// The package leaves the offsets of a token without text as the model gave them, moved by the bytes before the piece.
TokenOffset empty_token_offset(std::string_view text, int32_t piece_begin, uint32_t position) {
  size_t byte = 0;
  for (int32_t i = 0; i < piece_begin && byte < text.size(); ++i) next_code_point(text, &byte);
  byte += position;
  if (byte >= text.size()) return {static_cast<int32_t>(byte), static_cast<int32_t>(byte)};
  size_t characters = 0;  // up to the one that holds the byte
  for (size_t next = 0; next < text.size(); ++characters) {
    next_code_point(text, &next);
    if (next > byte) break;
  }
  return {static_cast<int32_t>(characters), static_cast<int32_t>(characters)};
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> PipelineTokenizer::read(const JsonValue& root,
                                                                 const TokenizerOverrides& overrides) {
  ASSIGN_OR_RETURN(std::unique_ptr<const Normalizer> normalizer, Normalizer::read(optional_part(root, "normalizer")));
  std::vector<std::string> tokens;
  ASSIGN_OR_RETURN(Splitting splitting, read_splitting(root, &tokens));
  ASSIGN_OR_RETURN(const std::vector<AddedToken> added, read_added_tokens(root, overrides, &tokens));
  const auto normalized_form = [&](std::string_view content) -> Result<std::string> {
    AlignedText text;
    text.assign(content, 0);
    RETURN_IF_ERROR(normalizer->normalize(&text));
    return std::move(text.bytes);
  };
  ASSIGN_OR_RETURN(AddedPatterns patterns, make_added_patterns(added, normalized_form, root));
  ASSIGN_OR_RETURN(SharedParts parts, read_shared(root, std::move(tokens), added, patterns));
  std::unique_ptr<Words> words;
  // Where a character BPE drops characters, offsets depend on the bytes of the whole text.
  if (!splitting.is_character_bpe) {
    std::vector<AddedTokenMatcher::Pattern> looked_for = patterns.raw;
    looked_for.insert(looked_for.end(), patterns.normalized.begin(), patterns.normalized.end());
    ASSIGN_OR_RETURN(std::optional<WordCuts> cuts, find_word_cuts(root, *normalizer, looked_for));
    if (cuts) {
      words = std::make_unique<Words>(Words{.cuts = std::move(*cuts),
                                            .added_token_starts = {},
                                            .has_byte_model = splitting.is_byte_level_bpe,
                                            .cache = {}});
      for (const auto& pattern : looked_for) {
        words->added_token_starts[static_cast<uint8_t>(pattern.text.front())] = true;
      }
    }
  }
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(const std::string type, model.string_or("type", ""));
  int64_t id_written_as_text = kNoId;
  if (type == "Unigram") {
    ASSIGN_OR_RETURN(id_written_as_text, model.integer_or("unk_id", kNoId, 0, INT32_MAX));
  }
  Pipeline pipeline{.normalizer = std::move(normalizer),
                    .pre_tokenizer = std::move(splitting.pre_tokenizer),
                    .model = std::move(splitting.model),
                    .id_written_as_text = static_cast<int32_t>(id_written_as_text),
                    .raw_added_tokens = AddedTokenMatcher(std::move(patterns.raw)),
                    .normalized_added_tokens = AddedTokenMatcher(std::move(patterns.normalized))};
  return std::unique_ptr<const Tokenizer>(
      new PipelineTokenizer(std::move(parts), std::move(pipeline), std::move(words)));
}

// What follows an added token is stripped, and moved, like the beginning of a text.
bool PipelineTokenizer::must_be_whole(std::string_view text, const TokenWriter& writer) const {
  if (m_words == nullptr || text.empty()) return true;
  const WordCuts& cuts = m_words->cuts;
  const bool may_move = cuts.may_move_offsets && writer.keeps_offsets();
  const uint8_t first = static_cast<uint8_t>(text.front());
  if (may_move && !cuts.plain[first] && !cuts.blanks[first]) return true;
  if (!may_move && cuts.normalizer == nullptr) return false;
  return AddedTokenScanner(m_pipeline.raw_added_tokens, text).next(0, text.size()).has_value();
}

Result<void> PipelineTokenizer::run(std::string_view text, TokenWriter* writer) const {
  if (must_be_whole(text, *writer)) return run_whole(text, *m_pipeline.normalizer, writer);
  return run_words(text, writer);
}

Result<void> PipelineTokenizer::run_whole(std::string_view text, const Normalizer& normalizer,
                                          TokenWriter* writer) const {
  PreTokenizedText split;
  RETURN_IF_ERROR(split_at_added_tokens(text, normalizer, &split));
  RETURN_IF_ERROR(m_pipeline.pre_tokenizer->split(&split));
  const std::string_view bytes = split.text.bytes;
  const std::vector<TokenOffset>& alignments = split.text.alignments;
  std::vector<ModelToken> found;
  for (const TextPiece& piece : split.pieces) {
    if (writer->truncated()) break;
    const std::string_view piece_bytes = bytes.substr(piece.begin, piece.end - piece.begin);
    if (piece.is_added()) {
      writer->add_text_token(piece.added_id, alignments[piece.begin].begin, alignments[piece.end - 1].end, piece_bytes);
      continue;
    }
    found.clear();
    m_pipeline.model->tokenize(piece_bytes, &found);
    for (const ModelToken& token : found) {
      TokenOffset offset;
      if (token.begin < token.end) {
        offset = {alignments[piece.begin + token.begin].begin, alignments[piece.begin + token.end - 1].end};
      } else if (writer->keeps_offsets()) {
        offset = empty_token_offset(text, alignments[piece.begin].begin, token.begin);
      }
      if (token.id == m_pipeline.id_written_as_text) {
        writer->add_text_token(token.id, offset.begin, offset.end,
                               piece_bytes.substr(token.begin, token.end - token.begin));
      } else {
        writer->add(token.id, offset.begin, offset.end);
      }
    }
  }
  return {};
}

// Added tokens that are looked for in the text as it is; what stands between them is normalised part by part.
Result<void> PipelineTokenizer::split_at_added_tokens(std::string_view text, const Normalizer& normalizer,
                                                      PreTokenizedText* out) const {
  if (m_pipeline.raw_added_tokens.empty()) return normalize_part(text, 0, normalizer, out);
  AddedTokenScanner scanner(m_pipeline.raw_added_tokens, text);
  size_t position = 0;
  size_t counted = 0;  // up to here code points are counted
  int32_t index = 0;
  const auto index_at = [&](size_t byte) {
    if (byte >= counted) {
      index += static_cast<int32_t>(count_code_points(text.substr(counted, byte - counted)));
    } else {
      index -= static_cast<int32_t>(count_code_points(text.substr(byte, counted - byte)));
    }
    counted = byte;
    return index;
  };
  AlignedText part;
  while (const auto match = scanner.next(scanner.resume(), text.size())) {
    if (position < match->begin) {
      RETURN_IF_ERROR(
          normalize_part(text.substr(position, match->begin - position), index_at(position), normalizer, out));
    }
    const size_t begin = out->text.bytes.size();
    part.assign(text.substr(match->begin, match->end - match->begin), index_at(match->begin));
    out->text.append(part, 0, part.bytes.size());
    out->pieces.push_back({.begin = begin, .end = out->text.bytes.size(), .added_id = match->id});
    position = match->end;
  }
  if (position == text.size()) return {};
  return normalize_part(text.substr(position), index_at(position), normalizer, out);
}

// Normalises a part of the text that begins at code point begin, and finds the added tokens in what it became.
Result<void> PipelineTokenizer::normalize_part(std::string_view part, int32_t begin, const Normalizer& normalizer,
                                               PreTokenizedText* out) const {
  AlignedText text;
  text.assign(part, begin);
  RETURN_IF_ERROR(normalizer.normalize(&text));
  const auto add = [&](size_t from, size_t to, int32_t id) {
    if (from == to) return;
    const size_t piece_begin = out->text.bytes.size();
    out->text.append(text, from, to);
    out->pieces.push_back({.begin = piece_begin, .end = out->text.bytes.size(), .added_id = id});
  };
  if (m_pipeline.normalized_added_tokens.empty()) {
    if (out->pieces.empty()) {
      out->text.swap(&text);
      if (!out->text.bytes.empty()) out->pieces.push_back({.begin = 0, .end = out->text.bytes.size()});
    } else {
      add(0, text.bytes.size(), TextPiece::kNotAdded);
    }
    return {};
  }
  AddedTokenScanner scanner(m_pipeline.normalized_added_tokens, text.bytes);
  size_t position = 0;
  while (const auto match = scanner.next(scanner.resume(), text.bytes.size())) {
    if (position < match->begin) add(position, match->begin, TextPiece::kNotAdded);
    add(match->begin, match->end, match->id);
    position = match->end;
  }
  add(position, text.bytes.size(), TextPiece::kNotAdded);
  return {};
}

}  // namespace vivace
