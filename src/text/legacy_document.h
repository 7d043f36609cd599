// Writes the tokenizer.json that transformers would make of a directory's older files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/added_tokens.h"
#include "text/tokenizer_config.h"

namespace vivace {

class LegacyDocument {
 public:
  // tokens: the model's vocabulary by id. The tokens that the configuration adds come first.
  LegacyDocument(const std::vector<std::string>& tokens, const TokenizerConfig& config);

  // Adds a token, with the next free id when the vocabulary lacks it. When it was added before, it has the later flags,
  // but the configuration's own keep theirs; special it stays.
  void add(const AddedToken& token);
  // The token of a role ("cls_token"), else fallback: special in any case. Returns its content. A role without either
  // adds nothing.
  std::string add_role(std::string_view role, std::string_view fallback);
  // The same for a mask, which takes the blanks before it along unless the configuration gives its flags.
  std::string add_mask(std::string_view fallback);
  // The special tokens that their model has beside the usual roles, or without one: to be added last.
  void add_extra_tokens();

  // A TemplateProcessing of special tokens (added before) and the sequences "A" and "B". In pair, the items from
  // second_begin on get the second type id; 0: those from "B" on.
  struct Template {
    std::vector<std::string_view> single;
    std::vector<std::string_view> pair;
    int second_type_id = 0;
    size_t second_begin = 0;
  };
  std::string template_processing(const Template& parts) const;
  std::string roberta_processing(const std::string& sep, const std::string& cls, bool trim_offsets,
                                 bool add_prefix_space) const;

  // The whole document; each part is JSON text.
  struct Parts {
    std::string normalizer = "null";
    std::string pre_tokenizer = "null";
    std::string post_processor = "null";
    std::string decoder = "null";
    std::string model;
  };
  std::string write(const Parts& parts) const;

 private:
  bool is_of_config(size_t place) const { return place < m_first_role; }
  static std::string template_items(const std::vector<std::string_view>& items, const Template& parts);

  std::unordered_map<std::string, int32_t> m_ids;
  std::vector<AddedToken> m_added;
  std::unordered_map<std::string, size_t> m_places;  // in m_added
  size_t m_first_role = 0;  // in m_added: what stands before are the configuration's added tokens
  const TokenizerConfig& m_config;
};

// {"type":"Metaspace",…} with U+2581, for pre-tokenizer and decoder.
std::string metaspace_json(std::string_view prepend_scheme);
std::string json_string(std::string_view text);

}  // namespace vivace
