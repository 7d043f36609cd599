// The special tokens that a post-processor puts around a text: [CLS] … [SEP]. Immutable, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/token_sequence.h"

namespace vivace {

struct TemplateToken {
  int32_t id = 0;
  int32_t type_id = 0;
};

// Without tokens it leaves a text as it is.
struct TemplateProcessor {
  std::vector<TemplateToken> before;
  std::vector<TemplateToken> after;
  int32_t text_type_id = 0;

  size_t added_count() const { return before.size() + after.size(); }
};

}  // namespace vivace
