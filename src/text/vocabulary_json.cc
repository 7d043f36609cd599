#include "text/vocabulary_json.h"

#include <cstdint>

#include "base/utf8.h"

namespace vivace {
namespace {

std::unexpected<Status> corrupt(const JsonValue& value, const std::string& message) {
  return error(StatusCode::kCorruptFile, value.path() + ": " + message);
}

}  // namespace

Result<std::vector<std::string>> read_vocabulary(const JsonValue& vocab) {
  ASSIGN_OR_RETURN(const auto members, vocab.as_integers_by_key(0, INT32_MAX - 1));
  std::vector<std::string> tokens(members.size());
  std::vector<bool> seen(members.size());
  for (const auto& [token, number] : members) {
    const size_t id = static_cast<size_t>(number);
    if (id >= tokens.size()) {
      return corrupt(vocab, "has " + std::to_string(tokens.size()) + " tokens, so their ids must be 0 to " +
                                std::to_string(tokens.size() - 1) + " without holes, but '" + printable(token) +
                                "' has id " + std::to_string(id));
    }
    if (seen[id]) {
      return corrupt(vocab, "id " + std::to_string(id) + " is given to both '" + printable(tokens[id]) + "' and '" +
                                printable(token) + "'");
    }
    seen[id] = true;
    tokens[id] = token;
  }
  return tokens;
}

}  // namespace vivace
