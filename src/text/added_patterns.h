// The added tokens of a tokenizer.json as what is looked for in a text, before and after its normalisation.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/added_tokens.h"

namespace vivace {

struct AddedPatterns {
  std::vector<AddedTokenMatcher::Pattern> raw;
  std::vector<AddedTokenMatcher::Pattern> normalized;  // in their normalised form
};

// root: the document, for messages. kUnsupported when nothing of a token is left by the normaliser.
using NormalizedForm = std::function<Result<std::string>(std::string_view)>;
Result<AddedPatterns> make_added_patterns(std::span<const AddedToken> added, const NormalizedForm& normalized_form,
                                          const JsonValue& root);

}  // namespace vivace
