#include "text/bpe_models.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/byte_fallback.h"

namespace vivace {
namespace {

using Keys = std::vector<std::pair<std::string_view, int32_t>>;

Keys make_keys(std::span<const std::string> tokens) {
  Keys keys;
  keys.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) keys.emplace_back(tokens[id], static_cast<int32_t>(id));
  }
  return keys;
}

ByteTrie make_byte_trie(std::span<const std::string> tokens) {
  std::vector<std::string> bytes(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) bytes[id] = characters_to_bytes(tokens[id]).value_or("");
  return ByteTrie(make_keys(bytes));
}

ByteTrie::Node walk(const ByteTrie& trie, ByteTrie::Node node, std::string_view text) {
  for (size_t i = 0; i < text.size() && node != ByteTrie::kDead; ++i) {
    node = trie.step(node, static_cast<uint8_t>(text[i]));
  }
  return node;
}

// kNoToken when the trie lacks the text.
int32_t find_whole(const ByteTrie& trie, std::string_view text) {
  const ByteTrie::Node node = walk(trie, ByteTrie::kRoot, text);
  return node == ByteTrie::kDead ? kNoToken : trie.value(node);
}

// Appends the first symbols of a piece. An unknown one waits for its neighbours; bytes that stand for a character
// overtake it, as in the package.
class SymbolWriter {
 public:
  SymbolWriter(const BpeOptions& options, std::vector<ModelToken>* tokens) : m_options(options), m_tokens(*tokens) {}

  void add(int32_t id, uint32_t length) {
    flush();
    append(id, length);
  }
  void append(int32_t id, uint32_t length) {
    m_tokens.push_back({.id = id, .begin = m_position, .end = m_position + length});
    m_position += length;
  }
  void add_unknown(uint32_t length) {
    if (m_options.unk_id == kNoToken) return;
    if (!m_options.fuse_unk) flush();
    m_unknown += length;
  }
  void flush() {
    if (m_unknown == 0) return;
    append(m_options.unk_id, m_unknown);
    m_unknown = 0;
  }

 private:
  const BpeOptions& m_options;
  std::vector<ModelToken>& m_tokens;
  uint32_t m_position = 0;
  uint32_t m_unknown = 0;  // bytes of the unknown symbol that is not yet written
};

}  // namespace

CharacterBpe::CharacterBpe(std::span<const std::string> tokens, BpeMerges merges, BpeOptions options)
    : m_options(std::move(options)),
      m_merges(std::move(merges)),
      m_trie(make_keys(tokens)),
      m_continuing(walk(m_trie, ByteTrie::kRoot, m_options.continuing_subword_prefix)) {
  for (size_t byte = 0; byte < m_byte_ids.size(); ++byte) {
    m_byte_ids[byte] = find_whole(m_trie, byte_token(static_cast<uint8_t>(byte)));
  }
}

int32_t CharacterBpe::symbol(std::string_view character, bool is_first, bool is_last) const {
  ByteTrie::Node node = walk(m_trie, is_first ? ByteTrie::kRoot : m_continuing, character);
  if (is_last) node = walk(m_trie, node, m_options.end_of_word_suffix);
  return node == ByteTrie::kDead ? kNoToken : m_trie.value(node);
}

bool CharacterBpe::has_byte_tokens(std::string_view character) const {
  return std::all_of(character.begin(), character.end(),
                     [&](char c) { return m_byte_ids[static_cast<uint8_t>(c)] != kNoToken; });
}

void CharacterBpe::add_symbols(std::string_view piece, std::vector<ModelToken>* tokens) const {
  SymbolWriter writer(m_options, tokens);
  for (size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    next_code_point(piece, &end);
    const std::string_view character = piece.substr(begin, end - begin);
    const int32_t id = symbol(character, begin == 0, end == piece.size());
    if (id != kNoToken) {
      writer.add(id, static_cast<uint32_t>(character.size()));
    } else if (m_options.byte_fallback && has_byte_tokens(character)) {
      for (const char byte : character) writer.append(m_byte_ids[static_cast<uint8_t>(byte)], 1);
    } else {
      writer.add_unknown(static_cast<uint32_t>(character.size()));
    }
  }
  writer.flush();
}

void CharacterBpe::tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const int32_t whole = m_options.ignore_merges ? find_whole(m_trie, piece) : kNoToken;
  if (whole != kNoToken) {
    tokens->push_back({.id = whole, .begin = 0, .end = static_cast<uint32_t>(piece.size())});
    return;
  }
  const size_t first = tokens->size();
  add_symbols(piece, tokens);
  m_merges.apply(first, tokens);
}

ByteLevelBpe::ByteLevelBpe(std::span<const std::string> tokens, BpeMerges merges, BpeOptions options)
    : m_options(std::move(options)), m_merges(std::move(merges)) {
  m_byte_ids.fill(kNoToken);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || tokens[id].size() > 2) continue;  // no character of the alphabet is longer
    const std::optional<std::string> bytes = characters_to_bytes(tokens[id]);
    if (bytes && bytes->size() == 1) m_byte_ids[static_cast<uint8_t>(bytes->front())] = static_cast<int32_t>(id);
  }
  m_has_all_bytes = std::ranges::find(m_byte_ids, kNoToken) == m_byte_ids.end();
  if (m_options.ignore_merges) m_whole = make_byte_trie(tokens);
}

void ByteLevelBpe::add_symbols(std::string_view piece, std::vector<ModelToken>* tokens) const {
  if (m_has_all_bytes) {
    for (uint32_t i = 0; i < piece.size(); ++i) {
      tokens->push_back({.id = m_byte_ids[static_cast<uint8_t>(piece[i])], .begin = i, .end = i + 1});
    }
    return;
  }
  SymbolWriter writer(m_options, tokens);
  for (const char byte : piece) {
    const int32_t id = m_byte_ids[static_cast<uint8_t>(byte)];
    if (id != kNoToken) {
      writer.add(id, 1);
    } else {
      writer.add_unknown(1);
    }
  }
  writer.flush();
}

bool ByteLevelBpe::drops_some_of(std::string_view piece) const {
  return m_options.unk_id == kNoToken && !m_has_all_bytes && std::any_of(piece.begin(), piece.end(), [&](char byte) {
           return m_byte_ids[static_cast<uint8_t>(byte)] == kNoToken;
         });
}

// Where a byte has no token, the package's offsets of what follows are short by the length of its character: so
// positions are counted in characters' bytes here, and brought back to the piece's at the end.
void ByteLevelBpe::tokenize_dropping(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const size_t first = tokens->size();
  std::vector<uint32_t> places;  // of each byte of the characters: the byte of the piece
  SymbolWriter writer(m_options, tokens);
  for (size_t i = 0; i < piece.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(piece[i]);
    const uint32_t length = byte_to_character(byte) < 0x80 ? 1 : 2;
    places.insert(places.end(), length, static_cast<uint32_t>(i));
    if (m_byte_ids[byte] != kNoToken) writer.add(m_byte_ids[byte], length);
  }
  m_merges.apply(first, tokens);
  for (size_t i = first; i < tokens->size(); ++i) {
    ModelToken& token = (*tokens)[i];
    token.begin = places[token.begin];
    token.end = places[token.end - 1] + 1;
  }
}

void ByteLevelBpe::tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const int32_t whole = m_whole ? find_whole(*m_whole, piece) : kNoToken;
  if (whole != kNoToken) {
    tokens->push_back({.id = whole, .begin = 0, .end = static_cast<uint32_t>(piece.size())});
    return;
  }
  if (drops_some_of(piece)) return tokenize_dropping(piece, tokens);
  const size_t first = tokens->size();
  add_symbols(piece, tokens);
  m_merges.apply(first, tokens);
}

}  // namespace vivace
