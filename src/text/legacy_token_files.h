// The tokens that the older files of a model directory name beside the vocabulary, read as transformers reads them.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "text/legacy_settings.h"

namespace vivace {

// "cls_token" and so on, "additional_special_tokens" and "extra_special_tokens": into special_tokens and extra_tokens,
// in place of what an earlier file said. All of them are special.
Result<void> read_legacy_special_tokens(const JsonValue& root, LegacySettings* settings);

// {"5": {"content": "<x>", …}, …}, into added_tokens. Only the order of the ids counts.
Result<void> read_added_tokens_decoder(const JsonValue& decoder, LegacySettings* settings);

// {"<x>": 5, …}, the same.
Result<void> read_added_token_ids(const JsonValue& root, LegacySettings* settings);

}  // namespace vivace
