#include "text/pre_tokenizer.h"

#include <string>
#include <utility>

#include "text/component_registry.h"
#include "text/split_steps.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;
using PreTokenizerReader = Result<PreTokenizerPtr>(const JsonValue&);

// A pre-tokenizer as a function with its settings bound.
template <typename Function>
class FunctionPreTokenizer : public PreTokenizer {
 public:
  explicit FunctionPreTokenizer(Function function) : m_function(std::move(function)) {}
  Result<void> split(PreTokenizedText* text) const override { return m_function(text); }

 private:
  Function m_function;
};

template <typename Function>
PreTokenizerPtr make_pre_tokenizer(Function function) {
  return std::make_unique<FunctionPreTokenizer<Function>>(std::move(function));
}

class ByteLevelPreTokenizer : public PreTokenizer {
 public:
  explicit ByteLevelPreTokenizer(const ByteLevelOptions& options) : m_options(options) {}
  Result<void> split(PreTokenizedText* text) const override { return split_byte_level(m_options, text); }
  PreTokenizerPtr without_byte_map() const override {
    ByteLevelOptions options = m_options;
    options.map_bytes = false;
    return std::make_unique<ByteLevelPreTokenizer>(options);
  }

 private:
  ByteLevelOptions m_options;
};

class SequencePreTokenizer : public PreTokenizer {
 public:
  using Steps = std::vector<std::shared_ptr<const PreTokenizer>>;
  explicit SequencePreTokenizer(Steps steps) : m_steps(std::move(steps)) {}
  Result<void> split(PreTokenizedText* text) const override {
    for (const auto& step : m_steps) RETURN_IF_ERROR(step->split(text));
    return {};
  }
  PreTokenizerPtr without_byte_map() const override {
    if (m_steps.empty()) return nullptr;
    PreTokenizerPtr last = m_steps.back()->without_byte_map();
    if (last == nullptr) return nullptr;
    Steps steps(m_steps.begin(), m_steps.end() - 1);
    steps.push_back(std::move(last));
    return std::make_unique<SequencePreTokenizer>(std::move(steps));
  }

 private:
  Steps m_steps;  // shared with the one that without_byte_map() made
};

bool is_white_space(char32_t c) {
  return code_point_info(c).has(kWhiteSpace);
}
bool is_punctuation(char32_t c) {
  return code_point_info(c).has(kPunctuation);
}
bool is_numeric(char32_t c) {
  return code_point_info(c).has(kNumeric);
}

Result<bool> read_bool(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  return value.as_bool();
}

Result<char32_t> read_character(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
  if (count_code_points(text) != 1) return value.fail("expected one character");
  size_t position = 0;
  return next_code_point(text, &position);
}

Result<PreTokenizerPtr> read_nothing(const JsonValue&) {
  return PreTokenizerPtr(std::make_unique<SequencePreTokenizer>(SequencePreTokenizer::Steps()));
}

// NOLINTNEXTLINE(misc-no-recursion): the depth is the document's, which the parser bounds
Result<PreTokenizerPtr> read_sequence(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(const JsonValue list, pre_tokenizer.get("pretokenizers"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  SequencePreTokenizer::Steps steps;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(PreTokenizerPtr step, PreTokenizer::read(item));
    steps.push_back(std::move(step));
  }
  return PreTokenizerPtr(std::make_unique<SequencePreTokenizer>(std::move(steps)));
}

Result<PreTokenizerPtr> read_bert(const JsonValue&) {
  return make_pre_tokenizer([](PreTokenizedText* text) -> Result<void> {
    RETURN_IF_ERROR(split_at(SplitBehavior::kRemoved, text, is_white_space));
    return split_at(SplitBehavior::kIsolated, text, is_punctuation);
  });
}

Result<PreTokenizerPtr> read_whitespace(const JsonValue&) {
  return make_pre_tokenizer([](PreTokenizedText* text) -> Result<void> {
    split_whitespace(text);
    return {};
  });
}

Result<PreTokenizerPtr> read_whitespace_split(const JsonValue&) {
  return make_pre_tokenizer(
      [](PreTokenizedText* text) { return split_at(SplitBehavior::kRemoved, text, is_white_space); });
}

Result<PreTokenizerPtr> read_byte_level(const JsonValue& pre_tokenizer) {
  ByteLevelOptions options;
  ASSIGN_OR_RETURN(options.add_prefix_space, read_bool(pre_tokenizer, "add_prefix_space"));
  ASSIGN_OR_RETURN(options.use_regex, pre_tokenizer.bool_or("use_regex", true));
  return PreTokenizerPtr(std::make_unique<ByteLevelPreTokenizer>(options));
}

Result<PreTokenizerPtr> read_metaspace(const JsonValue& pre_tokenizer) {
  MetaspaceOptions options;
  ASSIGN_OR_RETURN(options.replacement, read_character(pre_tokenizer, "replacement"));
  ASSIGN_OR_RETURN(options.split, pre_tokenizer.bool_or("split", true));
  ASSIGN_OR_RETURN(const std::string scheme, pre_tokenizer.string_or("prepend_scheme", "always"));
  ASSIGN_OR_RETURN(const bool add_prefix_space, pre_tokenizer.bool_or("add_prefix_space", true));
  if (scheme == "first") {
    options.prepend_scheme = PrependScheme::kFirst;
  } else if (scheme == "never") {
    options.prepend_scheme = PrependScheme::kNever;
  } else if (scheme != "always") {
    return pre_tokenizer.fail("'prepend_scheme' must be always, first or never");
  }
  if (!add_prefix_space && scheme != "never") {
    return pre_tokenizer.fail("'add_prefix_space' contradicts 'prepend_scheme'");
  }
  return make_pre_tokenizer([options](PreTokenizedText* text) { return split_metaspace(options, text); });
}

Result<PreTokenizerPtr> read_split(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(const JsonValue pattern_value, pre_tokenizer.get("pattern"));
  ASSIGN_OR_RETURN(TextPattern pattern, TextPattern::read(pattern_value));
  ASSIGN_OR_RETURN(const JsonValue behavior_value, pre_tokenizer.get("behavior"));
  ASSIGN_OR_RETURN(const SplitBehavior behavior, read_split_behavior(behavior_value));
  ASSIGN_OR_RETURN(const bool invert, read_bool(pre_tokenizer, "invert"));
  return make_pre_tokenizer([pattern = std::move(pattern), behavior, invert](PreTokenizedText* text) {
    return split_pieces(behavior, text, [&](std::string_view bytes, std::vector<Segment>* segments) -> Result<void> {
      RETURN_IF_ERROR(pattern.find(bytes, segments));
      if (invert) {
        for (Segment& segment : *segments) segment.is_match = !segment.is_match;
      }
      return {};
    });
  });
}

Result<PreTokenizerPtr> read_punctuation(const JsonValue& pre_tokenizer) {
  SplitBehavior behavior = SplitBehavior::kIsolated;
  if (const auto value = pre_tokenizer.find("behavior")) {
    ASSIGN_OR_RETURN(behavior, read_split_behavior(*value));
  }
  return make_pre_tokenizer([behavior](PreTokenizedText* text) { return split_at(behavior, text, is_punctuation); });
}

Result<PreTokenizerPtr> read_digits(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(const bool individual, read_bool(pre_tokenizer, "individual_digits"));
  const SplitBehavior behavior = individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous;
  return make_pre_tokenizer([behavior](PreTokenizedText* text) { return split_at(behavior, text, is_numeric); });
}

Result<PreTokenizerPtr> read_delimiter(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(const char32_t delimiter, read_character(pre_tokenizer, "delimiter"));
  return make_pre_tokenizer([delimiter](PreTokenizedText* text) {
    return split_at(SplitBehavior::kRemoved, text, [delimiter](char32_t c) { return c == delimiter; });
  });
}

Result<PreTokenizerPtr> read_fixed_length(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(const int64_t length, pre_tokenizer.integer_or("length", 5, 1, INT32_MAX));
  return make_pre_tokenizer([length](PreTokenizedText* text) {
    return split_pieces(SplitBehavior::kIsolated, text,
                        [&](std::string_view bytes, std::vector<Segment>* segments) -> Result<void> {
                          for (size_t position = 0; position < bytes.size();) {
                            const size_t begin = position;
                            for (int64_t i = 0; i < length && position < bytes.size(); ++i) {
                              next_code_point(bytes, &position);
                            }
                            segments->push_back({begin, position, false});
                          }
                          return {};
                        });
  });
}

Result<PreTokenizerPtr> read_scripts(const JsonValue&) {
  return make_pre_tokenizer([](PreTokenizedText* text) -> Result<void> {
    split_scripts(text);
    return {};
  });
}

constexpr NamedReader<PreTokenizerReader> kPreTokenizers[] = {{"BertPreTokenizer", read_bert},
                                                              {"ByteLevel", read_byte_level},
                                                              {"CharDelimiterSplit", read_delimiter},
                                                              {"Digits", read_digits},
                                                              {"FixedLength", read_fixed_length},
                                                              {"Metaspace", read_metaspace},
                                                              {"Punctuation", read_punctuation},
                                                              {"Sequence", read_sequence},
                                                              {"Split", read_split},
                                                              {"UnicodeScripts", read_scripts},
                                                              {"Whitespace", read_whitespace},
                                                              {"WhitespaceSplit", read_whitespace_split},
                                                              {"null", read_nothing}};

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): see read_sequence
Result<PreTokenizerPtr> PreTokenizer::read(const JsonValue& pre_tokenizer) {
  ASSIGN_OR_RETURN(auto* const reader, find_reader<PreTokenizerReader>(pre_tokenizer, kPreTokenizers));
  return reader(pre_tokenizer);
}

}  // namespace vivace
