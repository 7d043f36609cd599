// The tokenizer of BERT and its descendants: BertNormalizer, BertPreTokenizer and WordPiece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "text/bert_pipeline.h"
#include "text/tokenizer_base.h"

namespace vivace {

class BertTokenizer : public TokenizerBase {
 public:
  // root: a tokenizer.json with a BertNormalizer or none, a BertPreTokenizer and a WordPiece.
  static Result<std::unique_ptr<const Tokenizer>> read(const JsonValue& root, const TokenizerOverrides& overrides);

 private:
  BertTokenizer(SharedParts parts, BertPipeline pipeline)
      : TokenizerBase(std::move(parts)), m_pipeline(std::move(pipeline)) {}

  Result<void> run(std::string_view text, TokenWriter* writer) const override;

  BertPipeline m_pipeline;
};

}  // namespace vivace
