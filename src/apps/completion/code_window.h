// The part of a long code that a model can read: the end, next to the cursor.
#pragma once

#include <string_view>

#include "base/status.h"
#include "engine/generator.h"

namespace vivace {

// The longest end of the code that has at most max_tokens tokens, special ones not counted; the code itself when all of
// it does. Takes no longer for a long code than for one of max_tokens tokens.
Result<std::string_view> end_within(std::string_view code, size_t max_tokens, const Tokenizer& tokenizer);

}  // namespace vivace
