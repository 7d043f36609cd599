// The package's WordPiece model: a word becomes the longest pieces of the vocabulary, from left to right.
// Immutable, thread-safe.
//
// Reading: M. Schuster, K. Nakajima, "Japanese and Korean voice search", ICASSP 2012; Devlin et al., BERT (2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/byte_trie.h"

namespace vivace {

struct WordPieceOptions {
  int32_t unk_id = 0;
  std::string continuing_subword_prefix = "##";
  size_t max_input_chars_per_word = 100;
};

// What each byte of a word counts as. The fast path folds ASCII capitals while it reads; other words come normalised.
using ByteFold = std::array<uint8_t, 256>;

class WordPiece {
 public:
  struct Piece {
    int32_t id;
    uint32_t end;  // bytes of the word up to and with this piece
  };

  // vocabulary holds each token with its id and is not needed afterwards.
  WordPiece(const std::vector<std::pair<std::string_view, int32_t>>& vocabulary, const WordPieceOptions& options);

  const WordPieceOptions& options() const { return m_options; }
  const ByteTrie& trie() const { return m_trie; }

  // Appends the pieces of a word, not empty and of at most max_input_chars_per_word code points, to *pieces; false (and
  // nothing appended) when the vocabulary cannot spell it and it is the unknown token.
  bool split(std::string_view word, const ByteFold& fold, std::vector<Piece>* pieces) const;

 private:
  WordPieceOptions m_options;
  ByteTrie m_trie;
  ByteTrie::Node m_continuing;  // where the pieces after the first start; kDead when no token has the prefix
};

}  // namespace vivace
