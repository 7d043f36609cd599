// The vocabulary of a model in tokenizer.json: an object of tokens and ids.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace vivace {

// kCorruptFile, naming the tokens, unless the ids are 0 to n-1, each given once. The package takes files with holes
// too, but counts new added tokens from the number of tokens there, so that ids would collide.
Result<std::vector<std::string>> read_vocabulary(const JsonValue& vocab);

}  // namespace vivace
