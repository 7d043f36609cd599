// sentence_bert_config.json: what sentence-transformers does with the checkpoint and its tokenizer when it loads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

struct TransformerModule {
  std::optional<int> max_tokens;
  bool replaces_limit = false;  // of the tokenizer's files; otherwise the smaller one holds
  bool lowercases = false;      // do_lower_case
};

// Of that file, for a model of that transformer_task ("feature-extraction", "sequence-classification"). kUnsupported
// for another task and for arguments that would change the model or its tokens, kCorruptFile for wrong values.
Result<TransformerModule> read_transformer_module(const std::string& path, std::string_view task);

}  // namespace vivace
