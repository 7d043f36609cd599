#include <optional>
#include <string>
#include <utility>

#include "text/component_registry.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

using PostProcessorReader = Result<TemplateProcessor>(const JsonValue&);

Result<int32_t> read_small(const JsonValue& value) {
  ASSIGN_OR_RETURN(const int64_t number, value.as_integer(0, INT32_MAX));
  return static_cast<int32_t>(number);
}

Result<TemplateProcessor> read_nothing(const JsonValue&) {
  return TemplateProcessor{};
}

// ["[SEP]", 102]
Result<TemplateToken> read_bert_token(const JsonValue& processor, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue pair, processor.get(key));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, pair.as_array());
  if (items.size() != 2) return pair.fail("expected a token and its id");
  RETURN_IF_ERROR(items[0].as_string());
  TemplateToken token;
  ASSIGN_OR_RETURN(token.id, read_small(items[1]));
  return token;
}

Result<TemplateProcessor> read_bert_processing(const JsonValue& processor) {
  ASSIGN_OR_RETURN(const TemplateToken cls, read_bert_token(processor, "cls"));
  ASSIGN_OR_RETURN(const TemplateToken sep, read_bert_token(processor, "sep"));
  return TemplateProcessor{.before = {cls}, .after = {sep}, .text_type_id = 0};
}

Result<int32_t> read_type_id(const JsonValue& piece) {
  ASSIGN_OR_RETURN(const JsonValue type_id, piece.get("type_id"));
  return read_small(type_id);
}

// {"SpecialToken": {"id": "[CLS]", "type_id": 0}}: the ids that the processor's special_tokens give for "[CLS]".
Result<std::vector<TemplateToken>> read_special_token(const JsonValue& processor, const JsonValue& piece) {
  ASSIGN_OR_RETURN(const JsonValue name, piece.get("id"));
  ASSIGN_OR_RETURN(const std::string_view id, name.as_string());
  ASSIGN_OR_RETURN(const int32_t type_id, read_type_id(piece));
  ASSIGN_OR_RETURN(const JsonValue special_tokens, processor.get("special_tokens"));
  ASSIGN_OR_RETURN(const JsonValue special_token, special_tokens.get(id));
  ASSIGN_OR_RETURN(const JsonValue ids, special_token.get("ids"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> values, ids.as_array());
  std::vector<TemplateToken> tokens;
  for (const JsonValue& value : values) {
    ASSIGN_OR_RETURN(const int32_t token_id, read_small(value));
    tokens.push_back({.id = token_id, .type_id = type_id});
  }
  return tokens;
}

Result<TemplateProcessor> read_template(const JsonValue& processor) {
  ASSIGN_OR_RETURN(const JsonValue single, processor.get("single"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> pieces, single.as_array());
  TemplateProcessor result;
  bool has_text = false;
  for (const JsonValue& piece : pieces) {
    if (const auto special = piece.find("SpecialToken")) {
      ASSIGN_OR_RETURN(const auto tokens, read_special_token(processor, *special));
      auto& side = has_text ? result.after : result.before;
      side.insert(side.end(), tokens.begin(), tokens.end());
      continue;
    }
    ASSIGN_OR_RETURN(const JsonValue sequence, piece.get("Sequence"));
    ASSIGN_OR_RETURN(const std::string id, sequence.string_or("id", ""));
    if (id != "A" || has_text) return single.fail("expected sequence A once, and no other");
    ASSIGN_OR_RETURN(result.text_type_id, read_type_id(sequence));
    has_text = true;
  }
  if (!has_text) return single.fail("expected sequence A once, and no other");
  return result;
}

constexpr NamedReader<PostProcessorReader> kPostProcessors[] = {
    {"TemplateProcessing", read_template}, {"BertProcessing", read_bert_processing}, {"null", read_nothing}};

}  // namespace

Result<TemplateProcessor> read_post_processor(const JsonValue& root, size_t vocabulary_size) {
  ASSIGN_OR_RETURN(const JsonValue processor, root.get("post_processor"));
  ASSIGN_OR_RETURN(auto* const read, find_reader<PostProcessorReader>(processor, kPostProcessors));
  ASSIGN_OR_RETURN(TemplateProcessor result, read(processor));
  for (const auto* side : {&result.before, &result.after}) {
    for (const TemplateToken& token : *side) {
      if (static_cast<size_t>(token.id) < vocabulary_size) continue;
      return error(StatusCode::kCorruptFile, processor.path() + ": token id " + std::to_string(token.id) +
                                                 " is not in the vocabulary of " + std::to_string(vocabulary_size));
    }
  }
  return result;
}

}  // namespace vivace
