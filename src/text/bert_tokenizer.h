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
#include "text/template_processor.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace vivace {

class BertTokenizer : public Tokenizer {
 public:
  // root: a tokenizer.json whose model is a WordPiece.
  static Result<std::unique_ptr<const Tokenizer>> read(const JsonValue& root);

  Result<void> encode(std::string_view text, const EncodeOptions& options, TokenSequence* tokens) const override;
  size_t vocabulary_size() const override { return m_vocabulary.size(); }
  std::string_view token(int32_t id) const override { return m_vocabulary.token(id); }
  std::optional<int32_t> token_id(std::string_view token) const override { return m_vocabulary.id(token); }

 private:
  BertTokenizer(Vocabulary vocabulary, BertPipeline pipeline, TemplateProcessor post_processor);

  Vocabulary m_vocabulary;
  BertPipeline m_pipeline;
  TemplateProcessor m_template;
};

}  // namespace vivace
