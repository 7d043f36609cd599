// Writes the tokenizer.json that transformers would make of a directory's older files.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vivace {

class LegacyDocument {
 public:
  // tokens: the model's vocabulary by id.
  explicit LegacyDocument(const std::vector<std::string>& tokens);

  // A special token, added once; its id, the next free one when the vocabulary lacks it.
  int32_t add_special(const std::string& token);
  // One that takes the blanks before it along.
  int32_t add_mask(const std::string& token);

  // A TemplateProcessing of special tokens (added before) and the sequences "A" and "B". In pair, what stands after "B"
  // and "B" itself get its type id.
  struct Template {
    std::initializer_list<std::string_view> single;
    std::initializer_list<std::string_view> pair;
    int second_type_id = 0;
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
  struct Added {
    std::string content;
    int32_t id = 0;
    bool lstrip = false;
  };
  int32_t add(const std::string& token, bool lstrip);
  std::string template_items(std::initializer_list<std::string_view> items, int second_type_id) const;

  std::unordered_map<std::string, int32_t> m_ids;
  std::vector<Added> m_added;
};

// {"type":"Metaspace",…} with U+2581, for pre-tokenizer and decoder.
std::string metaspace_json(std::string_view prepend_scheme);
std::string json_string(std::string_view text);

}  // namespace vivace
