#include "text/unigram.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"
#include "text/byte_fallback.h"
#include "text/serde_number.h"

namespace vivace {
namespace {

constexpr double kUnkPenalty = 10.0;
constexpr size_t kShortPiece = 255;  // bytes for which the nodes fit on the stack

std::vector<std::pair<std::string_view, int32_t>> make_keys(std::span<const std::string> tokens) {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  keys.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) keys.emplace_back(tokens[id], static_cast<int32_t>(id));
  }
  return keys;
}

uint32_t character_length(char first) {
  const uint8_t byte = static_cast<uint8_t>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

}  // namespace

Unigram::Unigram(std::span<const std::string> tokens, std::vector<double> scores, const UnigramOptions& options)
    : m_options(options), m_trie(make_keys(tokens)), m_scores(std::move(scores)) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const double score : m_scores) lowest = std::min(lowest, score);
  m_unk_score = lowest - kUnkPenalty;
  for (size_t byte = 0; byte < m_byte_ids.size(); ++byte) {
    m_byte_ids[byte] = find(byte_token(static_cast<uint8_t>(byte)));
  }
}

int32_t Unigram::find(std::string_view text) const {
  const ByteTrie::Match match = m_trie.longest_prefix(text);
  return match.length == text.size() ? match.value : ByteTrie::kNoValue;
}

// Forward Viterbi over the places between characters. Among equal scores the first found stays: of the paths to a
// place, the one whose last token is the longest.
void Unigram::find_best_paths(std::string_view piece, std::span<Node> nodes) const {
  for (uint32_t begin = 0; begin < piece.size();) {
    const double score_here = nodes[begin].score;
    const auto offer = [&](uint32_t end, int32_t id, double score) {
      Node& target = nodes[end];
      const double candidate = score + score_here;
      if (target.begin != kUnreached && !(candidate > target.score)) return;
      target = {.score = candidate, .id = id, .begin = begin};
    };
    const uint32_t next = begin + character_length(piece[begin]);
    bool has_single = false;
    ByteTrie::Node node = ByteTrie::kRoot;
    for (uint32_t i = begin; i < piece.size();) {
      node = m_trie.step(node, static_cast<uint8_t>(piece[i]));
      if (node == ByteTrie::kDead) break;
      ++i;
      const int32_t id = m_trie.value(node);
      if (id == ByteTrie::kNoValue) continue;
      offer(i, id, m_scores[static_cast<size_t>(id)]);
      has_single = has_single || i == next;
    }
    if (!has_single) offer(next, m_options.unk_id, m_unk_score);
    begin = next;
  }
}

// Appends the best path's tokens, unknown neighbours as one; true when there is an unknown one.
bool Unigram::trace_back(std::span<const Node> nodes, std::vector<ModelToken>* tokens) const {
  const size_t first = tokens->size();
  bool has_unknown = false;
  for (uint32_t end = static_cast<uint32_t>(nodes.size() - 1); end > 0; end = nodes[end].begin) {
    const Node& node = nodes[end];
    const bool is_unknown = node.id == m_options.unk_id;
    if (is_unknown && tokens->size() > first && tokens->back().id == m_options.unk_id) {
      tokens->back().begin = node.begin;
    } else {
      tokens->push_back({.id = node.id, .begin = node.begin, .end = end});
    }
    has_unknown = has_unknown || is_unknown;
  }
  std::reverse(tokens->begin() + static_cast<ptrdiff_t>(first), tokens->end());
  return has_unknown;
}

// The package looks the text of each token up again: a run of unknown characters may be a token (if scores are odd), or
// have its bytes in the vocabulary.
void Unigram::replace_unknown(std::string_view piece, size_t first, std::vector<ModelToken>* tokens) const {
  const std::vector<ModelToken> path(tokens->begin() + static_cast<ptrdiff_t>(first), tokens->end());
  tokens->resize(first);
  for (ModelToken token : path) {
    if (token.id != m_options.unk_id) {
      tokens->push_back(token);
      continue;
    }
    const std::string_view text = piece.substr(token.begin, token.end - token.begin);
    const int32_t whole = find(text);
    const bool has_bytes =
        m_options.byte_fallback && whole == ByteTrie::kNoValue && std::all_of(text.begin(), text.end(), [&](char byte) {
          return m_byte_ids[static_cast<uint8_t>(byte)] != ByteTrie::kNoValue;
        });
    if (!has_bytes) {
      if (whole != ByteTrie::kNoValue) token.id = whole;
      tokens->push_back(token);
      continue;
    }
    for (const char byte : text) {
      token.id = m_byte_ids[static_cast<uint8_t>(byte)];
      tokens->push_back(token);
    }
  }
}

void Unigram::tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const {
  const size_t first = tokens->size();
  std::array<Node, kShortPiece + 1> short_nodes;
  std::vector<Node> long_nodes(piece.size() > kShortPiece ? piece.size() + 1 : 0);
  const std::span<Node> nodes =
      long_nodes.empty() ? std::span(short_nodes).first(piece.size() + 1) : std::span(long_nodes);
  find_best_paths(piece, nodes);
  if (trace_back(nodes, tokens)) replace_unknown(piece, first, tokens);
}

namespace {

struct Entry {
  std::string token;
  double score = 0;
};

Result<Entry> read_entry(const JsonValue& item) {
  ASSIGN_OR_RETURN(const std::vector<JsonValue> parts, item.as_array());
  if (parts.size() != 2) return item.fail("expected a token and its score");
  ASSIGN_OR_RETURN(const std::string_view token, parts[0].as_string());
  ASSIGN_OR_RETURN(const double score, parts[1].as_double());
  return Entry{.token = std::string(token), .score = score};
}

}  // namespace

Result<std::unique_ptr<const TokenModel>> read_unigram(const JsonValue& model, std::vector<std::string>* tokens) {
  ASSIGN_OR_RETURN(const JsonValue vocab, model.get("vocab"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, vocab.as_array(INT32_MAX - 1));
  ASSIGN_OR_RETURN(const bool exact, model.bool_or("exact_scores", false));
  std::vector<std::string> read;
  std::vector<double> scores;
  read.reserve(items.size());
  std::unordered_set<std::string_view> seen;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(Entry entry, read_entry(item));
    scores.push_back(exact ? entry.score : read_like_package(entry.score));
    read.push_back(std::move(entry.token));
    if (seen.insert(read.back()).second) continue;  // read does not grow past its reserve: the views stay
    return error(StatusCode::kCorruptFile, item.path() + ": '" + printable(read.back()) + "' is in the list twice");
  }
  const std::optional<JsonValue> unk = model.find("unk_id");
  if (!unk) {
    return error(StatusCode::kUnsupported,
                 model.path() + ": unk_id is missing: characters that the vocabulary lacks would have no token");
  }
  UnigramOptions options;
  ASSIGN_OR_RETURN(const int64_t unk_id, unk->as_integer(0, INT32_MAX - 1));
  if (static_cast<size_t>(unk_id) >= read.size()) {
    return error(StatusCode::kCorruptFile, unk->path() + ": is " + std::to_string(unk_id) +
                                               ", but the vocabulary has " + std::to_string(read.size()) + " tokens");
  }
  options.unk_id = static_cast<int32_t>(unk_id);
  ASSIGN_OR_RETURN(options.byte_fallback, model.bool_or("byte_fallback", false));
  *tokens = std::move(read);
  return std::make_unique<const Unigram>(*tokens, std::move(scores), options);
}

}  // namespace vivace
