// Every tokenizer.json that BertTokenizer does not take: any normaliser, pre-tokenizer and model, one after the other.
//
// A text is normalised and split as a whole; the model then works only as far as the limit of tokens needs it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/status.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"
#include "text/tokenizer_base.h"

namespace vivace {

class PipelineTokenizer : public TokenizerBase {
 public:
  static Result<std::unique_ptr<const Tokenizer>> read(const JsonValue& root);

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
  PipelineTokenizer(SharedParts parts, Pipeline pipeline)
      : TokenizerBase(std::move(parts)), m_pipeline(std::move(pipeline)) {}

  Result<void> run(std::string_view text, TokenWriter* writer) const override;
  Result<void> split_at_added_tokens(std::string_view text, PreTokenizedText* out) const;
  Result<void> normalize_part(std::string_view part, int32_t begin, PreTokenizedText* out) const;

  Pipeline m_pipeline;
};

}  // namespace vivace
