// The vocabulary rules of a tokenizer: one pre-tokenized piece of normalised text to its tokens.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vivace {

// begin, end: bytes of the piece.
struct ModelToken {
  int32_t id = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const ModelToken&) const = default;
};

// BPE, Unigram, WordPiece or WordLevel. Immutable, thread-safe.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  // Appends the tokens of a piece (UTF-8, not empty, below 2 GiB). Total: every piece has tokens, or none where the
  // package gives none.
  virtual void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const = 0;
};

}  // namespace vivace
