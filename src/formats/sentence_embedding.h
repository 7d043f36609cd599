// The files of sentence-transformers beside a checkpoint, read into one SentenceEmbeddingConfig.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "formats/model_directory.h"

namespace vivace {

// Of a model's folder; nullopt without modules.json. Errors as ModelDirectory::open().
Result<std::optional<SentenceEmbeddingConfig>> read_sentence_embedding(const std::string& directory);

}  // namespace vivace
