#include "text/word_level.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/vocabulary_json.h"

namespace vivace {
namespace {

std::vector<std::pair<std::string_view, int32_t>> make_keys(std::span<const std::string> tokens) {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) keys.emplace_back(tokens[id], static_cast<int32_t>(id));
  }
  return keys;
}

}  // namespace

WordLevel::WordLevel(std::span<const std::string> tokens, int32_t unk_id)
    : m_trie(make_keys(tokens)), m_unk_id(unk_id) {}

void WordLevel::tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const ByteTrie::Match match = m_trie.longest_prefix(piece);
  const int32_t id = match.length == piece.size() ? match.value : m_unk_id;
  tokens->push_back({.id = id, .begin = 0, .end = static_cast<uint32_t>(piece.size())});
}

Result<std::unique_ptr<const TokenModel>> read_word_level(const JsonValue& model, std::vector<std::string>* tokens) {
  ASSIGN_OR_RETURN(const JsonValue vocab, model.get("vocab"));
  ASSIGN_OR_RETURN(std::vector<std::string> read, read_vocabulary(vocab));
  ASSIGN_OR_RETURN(const JsonValue unk_value, model.get("unk_token"));
  ASSIGN_OR_RETURN(const std::string_view unk_token, unk_value.as_string());
  const auto place = std::find(read.begin(), read.end(), unk_token);
  if (place == read.end()) {
    return error(StatusCode::kCorruptFile,
                 unk_value.path() + ": the token '" + printable(unk_token) + "' is not in the vocabulary");
  }
  const int32_t unk_id = static_cast<int32_t>(place - read.begin());
  *tokens = std::move(read);
  return std::make_unique<const WordLevel>(*tokens, unk_id);
}

}  // namespace vivace
