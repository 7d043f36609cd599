// The steps between an EmbedRequest and its vectors that need the model but no queue: checking, prompting, tokenizing,
// and turning hidden states into values. Immutable after load; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/request.h"
#include "formats/model_directory.h"
#include "kernels/kernel_table.h"
#include "models/encoder.h"
#include "tensor/tensor_view.h"
#include "text/tokenizer.h"

namespace vivace {

class EmbeddingPipeline {
 public:
  static Result<EmbeddingPipeline> load(const ModelDirectory& directory, const KernelTable& kernels);

  // kInvalidArgument for an empty list or text, unknown prompt, impossible dimensions or invalid UTF-8; kTooLarge for a
  // text longer than max_tokens() under TooLong::kRefuse. The message names the text by its index.
  Result<std::vector<TokenSequence>> tokenize(const EmbedRequest& request) const;

  // The request's values for one text, out of its tokens' hidden states.
  TextEmbedding finish(const EmbedRequest& request, const TokenSequence& tokens, MatrixView<const float> hidden) const;

  const Encoder& encoder() const { return *m_encoder; }
  const Tokenizer& tokenizer() const { return *m_tokenizer; }
  const SentenceEmbeddingConfig& config() const { return m_config; }
  const KernelTable& kernels() const { return *m_kernels; }
  int max_tokens() const { return m_max_tokens; }  // of a text, special tokens included

 private:
  EmbeddingPipeline() = default;
  Result<std::string> prompt(const EmbedRequest& request) const;
  std::unique_ptr<const Encoder> m_encoder;
  std::unique_ptr<const Tokenizer> m_tokenizer;
  SentenceEmbeddingConfig m_config;
  const KernelTable* m_kernels = nullptr;
  int m_max_tokens = 0;
};

}  // namespace vivace
