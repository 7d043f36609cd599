// All texts of a file at once, for those who measure on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/text_source.h"

namespace vivace {

// One a line, or JSON objects with "text", by the file's ending; "-" is standard input. kInvalidArgument for a file
// without texts, or one that is none. most: the first so many only.
Result<std::vector<std::string>> read_texts(const std::string& file, EmptyText empty_text = EmptyText::kRefuse,
                                            size_t most = SIZE_MAX);

}  // namespace vivace
