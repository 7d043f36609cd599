// tokenizer_config.json of a model directory, which says all that tokenizer.json does not, or what there is in older
// ones; and what stands beside it: tokens in special_tokens_map.json and added_tokens.json, which count only where the
// configuration has no added_tokens_decoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "text/added_tokens.h"

namespace vivace {

inline constexpr std::string_view kTokenRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                   "pad_token", "cls_token", "mask_token"};

struct TokenizerConfig {
  std::string tokenizer_class;  // without "Fast"; empty when not said
  // Where nothing is said, each tokenizer class does its own.
  std::optional<bool> do_lower_case;
  std::optional<bool> strip_accents;
  std::optional<bool> tokenize_chinese_chars;
  std::optional<bool> add_prefix_space;
  bool trim_offsets = true;
  bool split_by_punct = false;
  int32_t extra_ids = 100;
  bool legacy = false;  // of Llama: a prefix before every part of a text, not only the first
  bool add_bos_token = false;
  bool add_eos_token = false;
  // "cls_token" and so on. Those that were written as text alone have no flags but special.
  std::unordered_map<std::string, AddedToken> special_tokens;
  bool has_decoder = false;              // added_tokens are an added_tokens_decoder's, which has their flags
  std::vector<AddedToken> added_tokens;  // in order of their ids, which are not kept: the vocabulary says them
  std::vector<AddedToken> named_tokens;  // special ones whose role is their model's own ("image_token")
  // Special ones without a role; nullopt where no file says which. Then those count that the older name lists, or in
  // their place those that are in a SentencePiece model.
  std::optional<std::vector<AddedToken>> extra_tokens;
  std::vector<AddedToken> older_extra_tokens;

  std::string token(std::string_view role, std::string_view fallback) const;
};

// A missing file is one that says nothing.
Result<TokenizerConfig> read_tokenizer_config(const std::string& directory);

}  // namespace vivace
