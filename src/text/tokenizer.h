// Text to token ids, exactly as Hugging Face's `tokenizers` package does it from the same tokenizer.json.
//
// A Tokenizer is immutable and may be used by many threads at once. Reading: https://huggingface.co/docs/tokenizers
// (pipeline: normaliser, pre-tokenizer, model, post-processor, added tokens).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/decode_stream.h"
#include "text/token_sequence.h"
#include "text/tokenizer_overrides.h"

namespace vivace {

enum class SpecialTokens { kAdd, kOmit };  // [CLS] and [SEP] around the text, or not
enum class Offsets { kKeep, kOmit };       // offsets cost time and memory: only who reads them asks for them

enum class TruncationStrategy { kLongestFirst, kOnlyFirst, kOnlySecond };  // which text of a pair is cut
enum class TruncationSide { kRight, kLeft };                               // which end of it

struct EncodeOptions {
  SpecialTokens special_tokens = SpecialTokens::kAdd;
  Offsets offsets = Offsets::kOmit;
  // At most this many tokens, special ones included; 0 = no limit. Cutting on the right, BERT's pipeline works only as
  // far as the limit; others normalise and split the whole text, and only their model stops at the limit.
  size_t max_tokens = 0;
  TruncationStrategy truncation = TruncationStrategy::kLongestFirst;
  TruncationSide truncation_side = TruncationSide::kRight;
  // Tokens of the cut text that each window of encode_windows() repeats from the one before.
  size_t stride = 0;
};

// What a tokenizer.json says about its tokens beside how to make them.
struct TokenizerTraits {
  bool marks_continuations = false;  // tokens inside a word have a prefix ("##ing") that stands for nothing
  TruncationSide truncation_side = TruncationSide::kRight;  // which end of a text to cut; encode() goes by its options
};

class Tokenizer : public TokenNames {
 public:
  // Builds the pipeline that a tokenizer.json describes. origin (the file's path) starts every message.
  // kInvalidArgument or kCorruptFile when the document contradicts itself; kUnsupported, naming the component, for a
  // part that we do not know. Truncation and padding written in the file are not applied: limits come from the caller
  // (traits() tells the side).
  static Result<std::unique_ptr<const Tokenizer>> from_json(std::string_view json, std::string_view origin,
                                                            const TokenizerOverrides& overrides = {});
  static Result<std::unique_ptr<const Tokenizer>> from_file(const std::string& path,
                                                            const TokenizerOverrides& overrides = {});
  // The tokenizer.json of a model directory, with what the files beside it say (text/tokenizer_overrides.h), or what
  // transformers makes of the older files there (text/legacy_tokenizer.h). model_type: config.json's.
  static Result<std::unique_ptr<const Tokenizer>> from_directory(const std::string& directory,
                                                                 std::string_view model_type);

  // Replaces *tokens by those of the text; its vectors' memory is reused. kInvalidArgument when the text is not UTF-8,
  // or when max_tokens leaves no room for the special tokens.
  virtual Result<void> encode(std::string_view text, const EncodeOptions& options, TokenSequence* tokens) const = 0;

  // The same for two texts that the model reads together: a premise and a hypothesis, a query and a document. Where
  // pairs are truncated, the result is the package's for the strategy; kInvalidArgument when the text that the strategy
  // names is too short to be cut enough.
  virtual Result<void> encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options,
                                   TokenSequence* tokens) const = 0;

  // All windows of a text longer than max_tokens (> 0), each with its special tokens: the first is encode()'s, the
  // others are the package's overflowing encodings, but with the type ids of the first. None is marked as truncated.
  // kInvalidArgument when stride leaves a window nothing new.
  virtual Result<std::vector<TokenSequence>> encode_windows(std::string_view text,
                                                            const EncodeOptions& options) const = 0;

  // The text that tokens stand for, as the file's decoder puts it together. kInvalidArgument for an id without token.
  // What is not UTF-8 in the end becomes U+FFFD.
  virtual Result<std::string> decode(std::span<const int32_t> ids, SkipSpecialTokens skip) const = 0;
  // The same id by id. The tokenizer must outlive the stream.
  virtual DecodeStream decode_stream(SkipSpecialTokens skip) const = 0;

  // One more than the largest id, added tokens included.
  virtual size_t vocabulary_size() const = 0;
  // The token's written form ("##ing"), empty for an id without token.
  virtual std::string_view token(int32_t id) const = 0;
  virtual std::optional<int32_t> token_id(std::string_view token) const = 0;
  virtual TokenizerTraits traits() const = 0;
};

}  // namespace vivace
