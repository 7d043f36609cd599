// What the files beside a tokenizer.json (tokenizer_config.json, special_tokens_map.json, added_tokens.json) say over
// it, as transformers understands them. How a text is split, and where special tokens stand, tokenizer.json alone says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "text/added_tokens.h"

namespace vivace {

class JsonValue;

struct TokenizerOverrides {
  std::vector<AddedToken> flagged_tokens;  // their flags count, also of tokens that tokenizer.json has
  std::vector<AddedToken> other_tokens;    // only those that it lacks
  // Of a BertNormalizer.
  std::optional<bool> lowercase;
  std::optional<bool> strip_accents;
  std::optional<bool> handle_chinese_chars;
  // Of ByteLevel: another value there is refused.
  std::optional<bool> add_prefix_space;
};

// A missing file is one that says nothing.
Result<TokenizerOverrides> read_tokenizer_overrides(const std::string& directory);

// kUnsupported where a tokenizer.json contradicts what is not applied.
Result<void> check_overrides(const JsonValue& root, const TokenizerOverrides& overrides);

}  // namespace vivace
