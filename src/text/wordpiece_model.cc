#include "text/wordpiece_model.h"

#include "base/utf8.h"
#include "text/tokenizer_json.h"
#include "text/word_writer.h"

namespace vivace {

void WordPieceModel::tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const size_t longest = m_model.options().max_input_chars_per_word;
  const bool fits = piece.size() <= longest || count_code_points(piece) <= longest;
  std::vector<WordPiece::Piece> pieces;
  if (!fits || !m_model.split(piece, identity_fold(), &pieces)) {
    tokens->push_back({.id = m_model.options().unk_id, .begin = 0, .end = static_cast<uint32_t>(piece.size())});
    return;
  }
  uint32_t begin = 0;
  for (const WordPiece::Piece& found : pieces) {
    tokens->push_back({.id = found.id, .begin = begin, .end = found.end});
    begin = found.end;
  }
}

Result<std::unique_ptr<const TokenModel>> read_wordpiece_model(const JsonValue& model,
                                                               std::vector<std::string>* tokens) {
  ASSIGN_OR_RETURN(WordPieceFile file, read_wordpiece(model));
  WordPiece wordpiece = make_wordpiece(file);
  *tokens = std::move(file.tokens);
  return std::unique_ptr<const TokenModel>(std::make_unique<WordPieceModel>(std::move(wordpiece)));
}

}  // namespace vivace
