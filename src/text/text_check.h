// What every tokenizer asks of a text before it reads it.
#pragma once

#include <string_view>

#include "base/status.h"

namespace vivace {

// kInvalidArgument, naming the byte position, when the text is not UTF-8; kTooLarge from 2 GiB on (offsets are 32-bit).
Result<void> check_text(std::string_view text);

}  // namespace vivace
