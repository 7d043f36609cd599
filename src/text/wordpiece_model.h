// WordPiece as the model of pipelines that are not BERT's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/token_model.h"
#include "text/wordpiece.h"

namespace vivace {

class WordPieceModel : public TokenModel {
 public:
  explicit WordPieceModel(WordPiece model) : m_model(std::move(model)) {}
  void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const override;

 private:
  WordPiece m_model;
};

// *tokens: the vocabulary by id.
Result<std::unique_ptr<const TokenModel>> read_wordpiece_model(const JsonValue& model,
                                                               std::vector<std::string>* tokens);

}  // namespace vivace
