// Every tokenizer.json that BertTokenizer does not take: any normaliser, pre-tokenizer and model, one after the other.
//
// A text is normalised and split as a whole; the model then works only as far as the limit of tokens needs it. Where
// the parts allow it, this is done word by word instead, and words seen before are taken from a cache.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"
#include "text/tokenizer_base.h"
#include "text/word_cache.h"
#include "text/word_cuts.h"
#include "text/word_tokens.h"

namespace vivace {

class PipelineTokenizer : public TokenizerBase {
 public:
  static Result<std::unique_ptr<const Tokenizer>> read(const JsonValue& root, const TokenizerOverrides& overrides);

 private:
  static constexpr int32_t kNoId = -1;
  struct Pipeline {
    std::unique_ptr<const Normalizer> normalizer;
    std::unique_ptr<const PreTokenizer> pre_tokenizer;
    std::unique_ptr<const TokenModel> model;
    // A token of this id is written as the text it stands for, as Unigram's unknown ones are; or kNoId.
    int32_t id_written_as_text = kNoId;
    AddedTokenMatcher raw_added_tokens;
    AddedTokenMatcher normalized_added_tokens;
  };
  struct Words {
    WordCuts cuts;
    std::array<bool, 256> added_token_starts;
    bool has_byte_model;
    WordCache cache;  // safe to change in a tokenizer that many threads use
  };
  // A text on its way, word by word.
  struct WordRun {
    std::string_view text;
    WordCache::Keys keys;
    TokenWriter& writer;
    std::optional<WordTokens> tokens;  // of a new word; made when there is one
    int32_t index = 0;                 // of the next word's first code point, where offsets are kept
  };
  PipelineTokenizer(SharedParts parts, Pipeline pipeline, std::unique_ptr<Words> words)
      : TokenizerBase(std::move(parts)), m_pipeline(std::move(pipeline)), m_words(std::move(words)) {}

  Result<void> run(std::string_view text, TokenWriter* writer) const override;
  bool must_be_whole(std::string_view text, const TokenWriter& writer) const;
  Result<void> run_whole(std::string_view text, const Normalizer& normalizer, TokenWriter* writer) const;
  Result<void> run_words(std::string_view text, TokenWriter* writer) const;
  bool is_stripped(std::string_view text, size_t begin) const;
  Result<void> add_word(size_t begin, size_t end, WordRun* run) const;
  Result<void> split_word(std::string_view word, const Normalizer& normalizer, WordTokens* tokens) const;
  bool is_byte_level(std::string_view word) const;
  Result<void> split_at_added_tokens(std::string_view text, const Normalizer& normalizer, PreTokenizedText* out) const;
  Result<void> normalize_part(std::string_view part, int32_t begin, const Normalizer& normalizer,
                              PreTokenizedText* out) const;

  Pipeline m_pipeline;
  std::unique_ptr<Words> m_words;  // nullptr where texts must be taken whole
};

}  // namespace vivace
