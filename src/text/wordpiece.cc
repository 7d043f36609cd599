#include "text/wordpiece.h"

namespace vivace {

WordPiece::WordPiece(const std::vector<std::pair<std::string_view, int32_t>>& vocabulary,
                     const WordPieceOptions& options)
    : m_options(options), m_trie(vocabulary), m_continuing(ByteTrie::kRoot) {
  for (const char c : m_options.continuing_subword_prefix) {
    if (m_continuing == ByteTrie::kDead) break;
    m_continuing = m_trie.step(m_continuing, static_cast<uint8_t>(c));
  }
}

// The longest match always ends between two code points when the vocabulary is UTF-8, so bytes are enough.
bool WordPiece::split(std::string_view word, const ByteFold& fold, std::vector<Piece>* pieces) const {
  const size_t old_size = pieces->size();
  ByteTrie::Node node = ByteTrie::kRoot;
  for (size_t begin = 0; begin < word.size();) {
    Piece longest{.id = ByteTrie::kNoValue, .end = 0};
    for (size_t i = begin; i < word.size() && node != ByteTrie::kDead; ++i) {
      node = m_trie.step(node, fold[static_cast<uint8_t>(word[i])]);
      if (node == ByteTrie::kDead) break;
      const int32_t id = m_trie.value(node);
      if (id != ByteTrie::kNoValue) longest = {.id = id, .end = static_cast<uint32_t>(i + 1)};
    }
    if (longest.id == ByteTrie::kNoValue) {
      pieces->resize(old_size);
      return false;
    }
    pieces->push_back(longest);
    begin = longest.end;
    node = m_continuing;
  }
  return true;
}

}  // namespace vivace
