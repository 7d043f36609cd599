#include "text/post_processor_json.h"

#include <string>
#include <utility>

#include "text/component_registry.h"

namespace vivace {
namespace {

using Kind = ProcessorStep::Kind;
using Steps = std::vector<ProcessorStep>;
using StepsReader = Result<void>(const JsonValue&, Steps*);

Result<int32_t> read_small(const JsonValue& value) {
  ASSIGN_OR_RETURN(const int64_t number, value.as_integer(0, INT32_MAX));
  return static_cast<int32_t>(number);
}

Result<bool> read_bool(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  return value.as_bool();
}

Result<void> read_nothing(const JsonValue&, Steps*) {
  return {};
}

// ["[SEP]", 102]
Result<int32_t> read_named_id(const JsonValue& processor, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue pair, processor.get(key));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, pair.as_array());
  if (items.size() != 2) return pair.fail("expected a token and its id");
  RETURN_IF_ERROR(items[0].as_string());
  return read_small(items[1]);
}

Result<void> read_bert_processing(const JsonValue& processor, Steps* steps) {
  ProcessorStep step(Kind::kBert);
  ASSIGN_OR_RETURN(step.cls_id, read_named_id(processor, "cls"));
  ASSIGN_OR_RETURN(step.sep_id, read_named_id(processor, "sep"));
  steps->push_back(std::move(step));
  return {};
}

Result<void> read_roberta_processing(const JsonValue& processor, Steps* steps) {
  RETURN_IF_ERROR(read_bert_processing(processor, steps));
  ProcessorStep& step = steps->back();
  step.kind = Kind::kRoberta;
  ASSIGN_OR_RETURN(step.trim_offsets, read_bool(processor, "trim_offsets"));
  ASSIGN_OR_RETURN(step.add_prefix_space, read_bool(processor, "add_prefix_space"));
  return {};
}

Result<void> read_byte_level(const JsonValue& processor, Steps* steps) {
  ProcessorStep step(Kind::kByteLevel);
  ASSIGN_OR_RETURN(step.trim_offsets, read_bool(processor, "trim_offsets"));
  ASSIGN_OR_RETURN(step.add_prefix_space, read_bool(processor, "add_prefix_space"));
  steps->push_back(std::move(step));
  return {};
}

Result<int32_t> read_type_id(const JsonValue& piece) {
  ASSIGN_OR_RETURN(const JsonValue type_id, piece.get("type_id"));
  return read_small(type_id);
}

// {"SpecialToken": {"id": "[CLS]", "type_id": 0}}: the ids that the processor's special_tokens give for "[CLS]".
Result<void> read_special_token(const JsonValue& processor, const JsonValue& piece, std::vector<TemplatePiece>* out) {
  ASSIGN_OR_RETURN(const JsonValue name, piece.get("id"));
  ASSIGN_OR_RETURN(const std::string_view id, name.as_string());
  ASSIGN_OR_RETURN(const int32_t type_id, read_type_id(piece));
  ASSIGN_OR_RETURN(const JsonValue special_tokens, processor.get("special_tokens"));
  ASSIGN_OR_RETURN(const JsonValue special_token, special_tokens.get(id));
  ASSIGN_OR_RETURN(const JsonValue ids, special_token.get("ids"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> values, ids.as_array());
  for (const JsonValue& value : values) {
    ASSIGN_OR_RETURN(const int32_t token_id, read_small(value));
    out->push_back({.kind = TemplatePiece::Kind::kSpecialToken, .id = token_id, .type_id = type_id});
  }
  return {};
}

Result<std::vector<TemplatePiece>> read_pieces(const JsonValue& processor, const JsonValue& list) {
  ASSIGN_OR_RETURN(const std::vector<JsonValue> pieces, list.as_array());
  std::vector<TemplatePiece> result;
  for (const JsonValue& piece : pieces) {
    if (const auto special = piece.find("SpecialToken")) {
      RETURN_IF_ERROR(read_special_token(processor, *special, &result));
      continue;
    }
    ASSIGN_OR_RETURN(const JsonValue sequence, piece.get("Sequence"));
    ASSIGN_OR_RETURN(const JsonValue name, sequence.get("id"));
    ASSIGN_OR_RETURN(const std::string_view id, name.as_string());
    if (id != "A" && id != "B") return sequence.fail("'id' must be A or B");
    ASSIGN_OR_RETURN(const int32_t type_id, read_type_id(sequence));
    const auto kind = id == "A" ? TemplatePiece::Kind::kFirstText : TemplatePiece::Kind::kSecondText;
    result.push_back({.kind = kind, .type_id = type_id});
  }
  return result;
}

Result<void> read_template(const JsonValue& processor, Steps* steps) {
  ProcessorStep step(Kind::kTemplate);
  ASSIGN_OR_RETURN(const JsonValue single, processor.get("single"));
  ASSIGN_OR_RETURN(step.single, read_pieces(processor, single));
  if (const auto pair = processor.find("pair")) {
    ASSIGN_OR_RETURN(step.pair, read_pieces(processor, *pair));
  }
  int firsts = 0;
  int seconds = 0;
  for (const TemplatePiece& piece : step.single) {
    firsts += piece.kind == TemplatePiece::Kind::kFirstText ? 1 : 0;
    seconds += piece.kind == TemplatePiece::Kind::kSecondText ? 1 : 0;
  }
  if (firsts != 1 || seconds != 0) return single.fail("expected sequence A once, and no other");
  steps->push_back(std::move(step));
  return {};
}

Result<void> read_sequence(const JsonValue& processor, Steps* steps);

constexpr NamedReader<StepsReader> kPostProcessors[] = {{"TemplateProcessing", read_template},
                                                        {"BertProcessing", read_bert_processing},
                                                        {"RobertaProcessing", read_roberta_processing},
                                                        {"ByteLevel", read_byte_level},
                                                        {"Sequence", read_sequence},
                                                        {"null", read_nothing}};

Result<void> read_any(const JsonValue& processor, Steps* steps) {
  ASSIGN_OR_RETURN(auto* const read, find_reader<StepsReader>(processor, kPostProcessors));
  return read(processor, steps);
}

// The depth is the document's, which the parser bounds.
// NOLINTNEXTLINE(misc-no-recursion)
Result<void> read_sequence(const JsonValue& processor, Steps* steps) {
  ASSIGN_OR_RETURN(const JsonValue list, processor.get("processors"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> processors, list.as_array());
  for (const JsonValue& item : processors) RETURN_IF_ERROR(read_any(item, steps));
  return {};
}

}  // namespace

Result<std::vector<ProcessorStep>> read_processor_steps(const JsonValue& processor) {
  Steps steps;
  RETURN_IF_ERROR(read_any(processor, &steps));
  bool after_template = false;
  for (const ProcessorStep& step : steps) {
    if (after_template && step.kind != Kind::kByteLevel) {
      return error(StatusCode::kUnsupported,
                   processor.path() + ": after a TemplateProcessing only ByteLevel is supported");
    }
    after_template = after_template || step.kind == Kind::kTemplate;
  }
  return steps;
}

}  // namespace vivace
