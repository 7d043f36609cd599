// The package's WordLevel model: a piece is a token of the vocabulary, or unknown.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/byte_trie.h"
#include "text/token_model.h"

namespace vivace {

class WordLevel : public TokenModel {
 public:
  // tokens by id; they differ.
  WordLevel(std::span<const std::string> tokens, int32_t unk_id);
  void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const override;

 private:
  ByteTrie m_trie;
  int32_t m_unk_id;
};

// *tokens: the vocabulary by id. kCorruptFile when it has holes or lacks unk_token.
Result<std::unique_ptr<const TokenModel>> read_word_level(const JsonValue& model, std::vector<std::string>* tokens);

}  // namespace vivace
