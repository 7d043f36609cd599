#include "text/normalizer.h"

#include <string>
#include <utility>
#include <vector>

#include "text/component_registry.h"
#include "text/normal_form.h"
#include "text/precompiled_normalizer.h"
#include "text/simple_normalizers.h"
#include "text/text_pattern.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

using NormalizerPtr = std::unique_ptr<const Normalizer>;
using NormalizerReader = Result<NormalizerPtr>(const JsonValue&);

// A normaliser that cannot fail, as a function with its settings bound.
template <typename Function>
class FunctionNormalizer : public Normalizer {
 public:
  explicit FunctionNormalizer(Function function) : m_function(std::move(function)) {}
  Result<void> normalize(AlignedText* text) const override {
    m_function(text);
    return {};
  }

 private:
  Function m_function;
};

template <typename Function>
NormalizerPtr make_normalizer(Function function) {
  return std::make_unique<FunctionNormalizer<Function>>(std::move(function));
}

class SequenceNormalizer : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<NormalizerPtr> steps) : m_steps(std::move(steps)) {}
  Result<void> normalize(AlignedText* text) const override {
    for (const NormalizerPtr& step : m_steps) RETURN_IF_ERROR(step->normalize(text));
    return {};
  }

 private:
  std::vector<NormalizerPtr> m_steps;
};

class ReplaceNormalizer : public Normalizer {
 public:
  ReplaceNormalizer(TextPattern pattern, std::string content)
      : m_pattern(std::move(pattern)), m_content(std::move(content)) {}

  // The new characters are aligned to the last of those that they replace.
  Result<void> normalize(AlignedText* text) const override {
    if (text->bytes.empty()) return {};
    std::vector<Segment> segments;
    RETURN_IF_ERROR(m_pattern.find(text->bytes, &segments));
    if (segments.size() == 1 && !segments[0].is_match) return {};
    AlignedText out;
    for (const Segment& segment : segments) {
      if (!segment.is_match) {
        out.append(*text, segment.begin, segment.end);
        continue;
      }
      const TokenOffset inserted{text->origin, text->origin};
      out.append(m_content, segment.end == 0 ? inserted : text->alignments[segment.end - 1]);
    }
    text->swap(&out);
    return {};
  }

 private:
  TextPattern m_pattern;
  std::string m_content;
};

Result<NormalizerPtr> read_nothing(const JsonValue&) {
  return NormalizerPtr(std::make_unique<SequenceNormalizer>(std::vector<NormalizerPtr>()));
}

// NOLINTNEXTLINE(misc-no-recursion): the depth is the document's, which the parser bounds
Result<NormalizerPtr> read_sequence(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const JsonValue list, normalizer.get("normalizers"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  std::vector<NormalizerPtr> steps;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(NormalizerPtr step, Normalizer::read(item));
    steps.push_back(std::move(step));
  }
  return NormalizerPtr(std::make_unique<SequenceNormalizer>(std::move(steps)));
}

Result<NormalizerPtr> read_bert(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const BertNormalizerOptions options, read_bert_options(normalizer));
  return make_normalizer([bert = BertNormalizer(options)](AlignedText* text) { normalize_bert(bert, text); });
}

template <NormalForm form>
Result<NormalizerPtr> read_form(const JsonValue&) {
  return make_normalizer([](AlignedText* text) { normalize(form, text); });
}

template <void (*function)(AlignedText*)>
Result<NormalizerPtr> read_plain(const JsonValue&) {
  return make_normalizer(function);
}

Result<NormalizerPtr> read_strip(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const JsonValue left_value, normalizer.get("strip_left"));
  ASSIGN_OR_RETURN(const bool left, left_value.as_bool());
  ASSIGN_OR_RETURN(const JsonValue right_value, normalizer.get("strip_right"));
  ASSIGN_OR_RETURN(const bool right, right_value.as_bool());
  if (!left && !right) return read_nothing(normalizer);
  const StripSide side = left && right ? StripSide::kBoth : left ? StripSide::kLeft : StripSide::kRight;
  return make_normalizer([side](AlignedText* text) { strip(side, text); });
}

Result<NormalizerPtr> read_prepend(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const JsonValue value, normalizer.get("prepend"));
  ASSIGN_OR_RETURN(const std::string_view prefix, value.as_string());
  return make_normalizer([prefix = std::string(prefix)](AlignedText* text) { prepend(prefix, text); });
}

Result<NormalizerPtr> read_replace(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const JsonValue pattern_value, normalizer.get("pattern"));
  ASSIGN_OR_RETURN(TextPattern pattern, TextPattern::read(pattern_value));
  ASSIGN_OR_RETURN(const JsonValue content_value, normalizer.get("content"));
  ASSIGN_OR_RETURN(const std::string_view content, content_value.as_string());
  return NormalizerPtr(std::make_unique<ReplaceNormalizer>(std::move(pattern), std::string(content)));
}

Result<NormalizerPtr> read_precompiled(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(Precompiled precompiled, Precompiled::read(normalizer));
  return make_normalizer([table = std::move(precompiled)](AlignedText* text) { normalize_precompiled(table, text); });
}

constexpr NamedReader<NormalizerReader> kNormalizers[] = {{"BertNormalizer", read_bert},
                                                          {"ByteLevel", read_plain<map_bytes>},
                                                          {"Lowercase", read_plain<lowercase>},
                                                          {"NFC", read_form<NormalForm::kNfc>},
                                                          {"NFD", read_form<NormalForm::kNfd>},
                                                          {"NFKC", read_form<NormalForm::kNfkc>},
                                                          {"NFKD", read_form<NormalForm::kNfkd>},
                                                          {"Nmt", read_plain<clean_nmt>},
                                                          {"Precompiled", read_precompiled},
                                                          {"Prepend", read_prepend},
                                                          {"Replace", read_replace},
                                                          {"Sequence", read_sequence},
                                                          {"Strip", read_strip},
                                                          {"StripAccents", read_plain<strip_accents>},
                                                          {"null", read_nothing}};

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): see read_sequence
Result<NormalizerPtr> Normalizer::read(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(auto* const reader, find_reader<NormalizerReader>(normalizer, kNormalizers));
  return reader(normalizer);
}

}  // namespace vivace
