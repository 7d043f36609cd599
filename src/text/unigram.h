// The package's Unigram model: of all ways to spell a piece, the one whose tokens' scores add up to the most.
//
// Reading: T. Kudo, "Subword regularization", ACL 2018 (section 3).
#pragma once

#include <array>
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

struct UnigramOptions {
  int32_t unk_id = 0;  // neighbouring unknown characters become one such token
  bool byte_fallback = false;
};

class Unigram : public TokenModel {
 public:
  // tokens differ (an empty one is never used); scores and tokens by id.
  Unigram(std::span<const std::string> tokens, std::vector<double> scores, const UnigramOptions& options);
  void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const override;

 private:
  struct Node {  // the best path to a place in the piece
    double score = 0;
    int32_t id = 0;  // of its last token
    uint32_t begin = kUnreached;
  };
  static constexpr uint32_t kUnreached = UINT32_MAX;

  void find_best_paths(std::string_view piece, std::span<Node> nodes) const;
  bool trace_back(std::span<const Node> nodes, std::vector<ModelToken>* tokens) const;
  void replace_unknown(std::string_view piece, size_t first, std::vector<ModelToken>* tokens) const;
  int32_t find(std::string_view text) const;

  UnigramOptions m_options;
  ByteTrie m_trie;
  std::vector<double> m_scores;
  double m_unk_score = 0;
  std::array<int32_t, 256> m_byte_ids{};  // of "<0x00>" and so on
};

// *tokens: the vocabulary by id. kCorruptFile for a token given twice, an unk_id out of range; kUnsupported for a file
// without unk_id, with which texts could not be tokenized. A member "exact_scores": true, which only our own documents
// have, says that scores are not to be read as the package reads them (text/serde_number.h).
Result<std::unique_ptr<const TokenModel>> read_unigram(const JsonValue& model, std::vector<std::string>* tokens);

}  // namespace vivace
