// The two forms of a BPE model behind text/bpe.h, which reads them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_merges.h"
#include "text/byte_trie.h"
#include "text/token_model.h"

namespace vivace {

inline constexpr int32_t kNoToken = -1;

struct BpeOptions {
  int32_t unk_id = kNoToken;  // what a character without token becomes; kNoToken: nothing
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
};

class CharacterBpe : public TokenModel {
 public:
  CharacterBpe(std::span<const std::string> tokens, BpeMerges merges, BpeOptions options);
  void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const override;

 private:
  void add_symbols(std::string_view piece, std::vector<ModelToken>* tokens) const;
  int32_t symbol(std::string_view character, bool is_first, bool is_last) const;
  bool has_byte_tokens(std::string_view character) const;

  BpeOptions m_options;
  BpeMerges m_merges;
  ByteTrie m_trie;
  ByteTrie::Node m_continuing;            // where characters after the first start
  std::array<int32_t, 256> m_byte_ids{};  // of "<0x00>" and so on
};

class ByteLevelBpe : public TokenModel {
 public:
  ByteLevelBpe(std::span<const std::string> tokens, BpeMerges merges, BpeOptions options);
  void tokenize(std::string_view piece, std::vector<ModelToken>* tokens) const override;

 private:
  bool drops_some_of(std::string_view piece) const;
  void add_symbols(std::string_view piece, std::vector<ModelToken>* tokens) const;
  void tokenize_dropping(std::string_view piece, std::vector<ModelToken>* tokens) const;

  BpeOptions m_options;
  BpeMerges m_merges;
  std::array<int32_t, 256> m_byte_ids{};  // kNoToken where the vocabulary lacks the byte's character
  bool m_has_all_bytes = false;
  std::optional<ByteTrie> m_whole;  // whole pieces, when they come before merges
};

}  // namespace vivace
