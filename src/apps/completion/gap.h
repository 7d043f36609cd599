// Text with a gap: what a model that was trained to fill gaps reads, and where its answer ends.
#pragma once

#include <string_view>

#include "engine/generator.h"

namespace vivace {

// Puts the gap's mark and the suffix behind request->text, and lets what is written end with the gap. kUnsupported when
// the model's tokenizer has no such mark.
Result<void> ask_for_gap(const Generator& generator, std::string_view suffix, GenerateRequest* request);

}  // namespace vivace
