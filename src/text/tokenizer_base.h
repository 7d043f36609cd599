// What all tokenizers share: limits, pairs, windows, post-processing and decoding around a run over one text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/added_patterns.h"
#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/post_processor.h"
#include "text/token_writer.h"
#include "text/tokenizer.h"
#include "text/truncation.h"
#include "text/vocabulary.h"

namespace vivace {

class TokenizerBase : public Tokenizer {
 public:
  Result<void> encode(std::string_view text, const EncodeOptions& options, TokenSequence* tokens) const final;
  Result<void> encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options,
                           TokenSequence* tokens) const final;
  Result<std::vector<TokenSequence>> encode_windows(std::string_view text, const EncodeOptions& options) const final;
  Result<std::string> decode(std::span<const int32_t> ids, SkipSpecialTokens skip) const final;
  DecodeStream decode_stream(SkipSpecialTokens skip) const final;
  Result<std::optional<std::string_view>> decoded_name(int32_t id, SkipSpecialTokens skip) const final;
  size_t vocabulary_size() const final { return m_parts.vocabulary.size(); }
  std::string_view token(int32_t id) const final { return m_parts.vocabulary.token(id); }
  std::optional<int32_t> token_id(std::string_view token) const final { return m_parts.vocabulary.id(token); }
  TokenizerTraits traits() const final { return m_parts.traits; }

 protected:
  // The parts of a tokenizer.json that are read alike for all tokenizers.
  struct SharedParts {
    Vocabulary vocabulary;
    PostProcessor post_processor;
    std::unordered_set<std::string> special_tokens;
    // Added tokens that the normaliser changes are decoded to their normalised form.
    std::unordered_map<int32_t, std::string> normalized_forms;
    std::unique_ptr<const Decoder> decoder;
    TokenizerTraits traits;
  };
  // tokens: of the model and the added ones, by id.
  static Result<SharedParts> read_shared(const JsonValue& root, std::vector<std::string> tokens,
                                         std::span<const AddedToken> added, const AddedPatterns& patterns);

  explicit TokenizerBase(SharedParts parts) : m_parts(std::move(parts)) {}

  // Writes the tokens of a text (UTF-8 below 2 GiB) until the writer is truncated.
  virtual Result<void> run(std::string_view text, TokenWriter* writer) const = 0;

 private:
  // The tokens of one text before anything is put around them.
  struct EncodedText {
    TokenSequence tokens;  // without type ids
    std::vector<TokenBlanks> blanks;
  };

  Result<size_t> room_for_text(const TokenLayout& layout, const EncodeOptions& options) const;
  Result<EncodedText> encode_whole(std::string_view text, size_t limit, Offsets offsets,
                                   const std::vector<OffsetTrim>& trims) const;
  Result<std::array<EncodedText, 2>> encode_both(const std::array<std::string_view, 2>& texts, size_t room,
                                                 const TokenLayout& layout, const EncodeOptions& options) const;
  void trim(const std::vector<OffsetTrim>& trims, size_t begin, std::vector<TokenBlanks>* blanks,
            TokenSequence* tokens) const;
  void append_text(const EncodedText& text, TokenRange range, const std::vector<OffsetTrim>& trims,
                   TokenSequence* tokens) const;

  SharedParts m_parts;
};

}  // namespace vivace
