// The tokens that the files beside tokenizer.json, or in its place, name, read as transformers reads them.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "text/tokenizer_config.h"

namespace vivace {

// "cls_token" and so on into special_tokens, in place of what an earlier file said; tokens with other roles
// ("image_token") into named_tokens. All of them are special.
Result<void> read_special_tokens(const JsonValue& root, TokenizerConfig* config);

// "extra_special_tokens" of tokenizer_config.json, where it is missing or empty its older name
// "additional_special_tokens": a list into extra_tokens, an object of roles and tokens into named_tokens.
// Beside it, the older name's list goes into older_extra_tokens. A token with flags is special if they say so.
Result<void> read_extra_tokens_of_config(const JsonValue& root, TokenizerConfig* config);

// The same of special_tokens_map.json, after the configuration: a list is added to the configuration's, an object comes
// in its place, and what has the older name goes into older_extra_tokens.
Result<void> read_extra_tokens_of_map(const JsonValue& root, TokenizerConfig* config);

// {"5": {"content": "<x>", …}, …}, into added_tokens. Only the order of the ids counts.
Result<void> read_added_tokens_decoder(const JsonValue& decoder, TokenizerConfig* config);

// {"<x>": 5, …}, the same.
Result<void> read_added_token_ids(const JsonValue& root, TokenizerConfig* config);

}  // namespace vivace
