#include "text/added_patterns.h"

#include <utility>

#include "base/utf8.h"

namespace vivace {

Result<AddedPatterns> make_added_patterns(std::span<const AddedToken> added, const NormalizedForm& normalized_form,
                                          const JsonValue& root) {
  AddedPatterns patterns;
  for (const AddedToken& token : added) {
    if (!token.normalized) {
      patterns.raw.push_back({token.content, token});
      continue;
    }
    ASSIGN_OR_RETURN(std::string form, normalized_form(token.content));
    if (form.empty()) {
      return error(StatusCode::kUnsupported, root.path() + ": added_tokens: nothing of '" + printable(token.content) +
                                                 "' (id " + std::to_string(token.id) + ") is left by the normalizer");
    }
    patterns.normalized.push_back({std::move(form), token});
  }
  return patterns;
}

}  // namespace vivace
