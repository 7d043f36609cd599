// The files of sentence-transformers beside a checkpoint, read into one SentenceEmbeddingConfig.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "formats/model_directory.h"

namespace vivace {

// nullopt without modules.json. tokenizer_lowercases: the tokenizer lowers the case by itself, so that do_lower_case
// asks for nothing more. Errors as ModelDirectory::open().
struct SentenceEmbeddingFiles {
  std::string directory;
  bool tokenizer_lowercases = false;
};
Result<std::optional<SentenceEmbeddingConfig>> read_sentence_embedding(const SentenceEmbeddingFiles& files);

}  // namespace vivace
