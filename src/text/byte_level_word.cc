#include "text/byte_level_word.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/utf8.h"
#include "text/byte_level_split.h"
#include "text/token_writer.h"

namespace vivace {
namespace {

constexpr size_t kUsualPieceBytes = 32;  // spares the first piece the growing

// Of each byte of a text: the index of the code point that it belongs to.
std::vector<int32_t> code_point_indices(std::string_view text) {
  std::vector<int32_t> indices(text.size());
  int32_t index = -1;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) ++index;
    indices[i] = index;
  }
  return indices;
}

// Appends tokens of a piece with offsets within it. No token of these models is empty.
void append_tokens(std::string_view piece, size_t code_points, std::span<const ModelToken> found,
                   TokenSequence* tokens) {
  const bool is_ascii = code_points == piece.size();
  const std::vector<int32_t> indices = is_ascii ? std::vector<int32_t>() : code_point_indices(piece);
  for (const ModelToken& token : found) {
    tokens->ids.push_back(token.id);
    if (is_ascii) {
      tokens->offsets.push_back({static_cast<int32_t>(token.begin), static_cast<int32_t>(token.end)});
    } else {
      tokens->offsets.push_back({indices[token.begin], indices[token.end - 1] + 1});
    }
  }
}

void append_entry(const WordCache::Entry& entry, TokenSequence* tokens) {
  for (size_t i = 0; i < entry.token_count; ++i) {
    tokens->ids.push_back(entry.id(i));
    tokens->offsets.push_back(entry.offset(i));
  }
}

}  // namespace

void split_byte_level_word(std::string_view word, const TokenModel& model, WordCache* cache, WordTokens* tokens) {
  const WordCache::Keys keys(word);
  std::vector<int32_t>& ids = tokens->sequence.ids;
  std::vector<TokenOffset>& offsets = tokens->sequence.offsets;
  std::vector<ModelToken> found;
  found.reserve(std::min(word.size(), kUsualPieceBytes));
  int32_t index = 0;  // of the piece's first code point
  for (size_t begin = 0, end = 0; begin < word.size(); begin = end) {
    end = byte_level_piece_end(word, begin);
    const std::string_view piece = word.substr(begin, end - begin);
    const size_t first = ids.size();
    // The word itself has been looked for, and is stored by whoever did that.
    const bool fits = piece.size() <= WordCache::kMaxBytes && piece.size() < word.size();
    const WordCache::Key key = fits ? keys.at(begin, piece.size()) : WordCache::Key{};
    WordCache::Entry entry;
    size_t code_points = 0;
    if (fits && cache->find(key, &entry)) {
      code_points = entry.code_points;
      append_entry(entry, &tokens->sequence);
    } else {
      code_points = count_code_points(piece);
      found.clear();
      model.tokenize(piece, &found);
      append_tokens(piece, code_points, found, &tokens->sequence);
      if (fits) {
        cache->store(key, static_cast<uint32_t>(code_points), std::span(ids).subspan(first),
                     std::span(offsets).subspan(first));
      }
    }
    for (TokenOffset& offset : std::span(offsets).subspan(first)) {
      offset.begin += index;
      offset.end += index;
    }
    index += static_cast<int32_t>(code_points);
  }
  tokens->blanks.resize(ids.size(), kUnknownBlanks);
}

}  // namespace vivace
