#include "text/decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "text/component_registry.h"
#include "text/decoder_stages.h"

namespace vivace {
namespace {

enum class StepKind { kFuse, kStrip, kOther };

struct Step {
  StepKind kind;
  Decoder::MakeStage make;
  Decoder::MakeStage make_for_text;  // of a strip: for the text instead of each token
};
using Steps = std::vector<Step>;
using StepReader = Result<void>(const JsonValue&, Steps*);

template <typename Stage, typename... Arguments>
Decoder::MakeStage maker(Arguments... arguments) {
  return [=] { return std::make_unique<Stage>(arguments...); };
}

void add(Decoder::MakeStage make, Steps* steps) {
  steps->push_back({.kind = StepKind::kOther, .make = std::move(make), .make_for_text = {}});
}

void add_fuse(Steps* steps) {
  steps->push_back({.kind = StepKind::kFuse, .make = maker<FuseStage>(), .make_for_text = {}});
}

Result<std::string> read_string(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
  return std::string(text);
}

// Something to look for: it cannot be empty.
Result<std::string> read_pattern(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(std::string text, read_string(object, key));
  if (text.empty()) return object.fail(std::string(key) + " is empty");
  return text;
}

Result<std::string> read_character(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(std::string text, read_string(object, key));
  if (count_code_points(text) != 1) return object.fail(std::string(key) + " must be one character");
  return text;
}

Result<bool> read_bool(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  return value.as_bool();
}

Result<void> read_none(const JsonValue&, Steps* steps) {
  add(maker<BlankStage>(), steps);
  return {};
}

Result<void> read_byte_level(const JsonValue&, Steps* steps) {
  add(maker<ByteLevelStage>(), steps);
  add_fuse(steps);
  return {};
}

Result<void> read_word_piece(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const std::string prefix, read_string(decoder, "prefix"));
  ASSIGN_OR_RETURN(const bool cleanup, read_bool(decoder, "cleanup"));
  add(maker<WordPieceStage>(prefix, cleanup), steps);
  return {};
}

Result<void> read_metaspace(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const std::string replacement, read_character(decoder, "replacement"));
  ASSIGN_OR_RETURN(const std::string scheme, decoder.string_or("prepend_scheme", "always"));
  ASSIGN_OR_RETURN(const bool prefix_space, decoder.bool_or("add_prefix_space", true));
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    return decoder.fail("prepend_scheme must be always, first or never, not '" + printable(scheme) + "'");
  }
  if (!prefix_space && scheme != "never") return decoder.fail("add_prefix_space contradicts prepend_scheme");
  add(maker<MetaspaceStage>(replacement, scheme != "never"), steps);
  return {};
}

Result<void> read_bpe_decoder(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const std::string suffix, read_pattern(decoder, "suffix"));
  add(maker<BpeStage>(suffix), steps);
  return {};
}

Result<void> read_byte_fallback(const JsonValue&, Steps* steps) {
  add(maker<ByteFallbackStage>(), steps);
  return {};
}

Result<void> read_fuse(const JsonValue&, Steps* steps) {
  add_fuse(steps);
  return {};
}

Result<void> read_strip(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const std::string content, read_character(decoder, "content"));
  ASSIGN_OR_RETURN(const JsonValue start_value, decoder.get("start"));
  ASSIGN_OR_RETURN(const JsonValue stop_value, decoder.get("stop"));
  ASSIGN_OR_RETURN(const int64_t start, start_value.as_integer(0, INT32_MAX));
  ASSIGN_OR_RETURN(const int64_t stop, stop_value.as_integer(0, INT32_MAX));
  const size_t start_count = static_cast<size_t>(start);
  const size_t stop_count = static_cast<size_t>(stop);
  steps->push_back({.kind = StepKind::kStrip,
                    .make = maker<StripStage>(content, start_count, stop_count),
                    .make_for_text = maker<StripTextStage>(content, start_count, stop_count)});
  return {};
}

Result<void> read_replace(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const JsonValue pattern, decoder.get("pattern"));
  if (pattern.find("Regex")) {
    return error(StatusCode::kUnsupported, pattern.path() + ": a Regex is not supported in a decoder, only a String");
  }
  ASSIGN_OR_RETURN(const std::string text, read_pattern(pattern, "String"));
  ASSIGN_OR_RETURN(const std::string content, read_string(decoder, "content"));
  add(maker<ReplaceStage>(text, content), steps);
  return {};
}

Result<void> read_ctc(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const std::string pad_token, read_pattern(decoder, "pad_token"));
  ASSIGN_OR_RETURN(const std::string delimiter, read_pattern(decoder, "word_delimiter_token"));
  ASSIGN_OR_RETURN(const bool cleanup, read_bool(decoder, "cleanup"));
  add(maker<CtcStage>(pad_token, delimiter, cleanup), steps);
  return {};
}

Result<void> read_sequence(const JsonValue& decoder, Steps* steps);

constexpr NamedReader<StepReader> kDecoders[] = {{"BPEDecoder", read_bpe_decoder},
                                                 {"ByteFallback", read_byte_fallback},
                                                 {"ByteLevel", read_byte_level},
                                                 {"CTC", read_ctc},
                                                 {"Fuse", read_fuse},
                                                 {"Metaspace", read_metaspace},
                                                 {"Replace", read_replace},
                                                 {"Sequence", read_sequence},
                                                 {"Strip", read_strip},
                                                 {"WordPiece", read_word_piece}};

Result<void> read_step(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(auto* const read, find_reader<StepReader>(decoder, kDecoders));
  return read(decoder, steps);
}

// Nesting ends where the JSON reader's limit of depth ends.
Result<void> read_sequence(const JsonValue& decoder, Steps* steps) {
  ASSIGN_OR_RETURN(const JsonValue list, decoder.get("decoders"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  for (const JsonValue& item : items) RETURN_IF_ERROR(read_step(item, steps));
  return {};
}

// A fuse waits for the last token. At the end it changes nothing, and a strip behind it can work on the text as it
// comes, so such a fuse is left out.
std::vector<Decoder::MakeStage> finish_steps(const Steps& steps) {
  const auto tail =
      std::find_if(steps.rbegin(), steps.rend(), [](const Step& step) { return step.kind == StepKind::kOther; }).base();
  std::vector<Decoder::MakeStage> stages;
  bool is_text = false;
  for (auto step = steps.begin(); step != steps.end(); ++step) {
    if (step >= tail && step->kind == StepKind::kFuse) {
      is_text = true;
      continue;
    }
    stages.push_back(is_text ? step->make_for_text : step->make);
  }
  return stages;
}

}  // namespace

Result<std::unique_ptr<const Decoder>> Decoder::read(const JsonValue& decoder) {
  Steps steps;
  RETURN_IF_ERROR(decoder.is_null() ? read_none(decoder, &steps) : read_step(decoder, &steps));
  return std::unique_ptr<const Decoder>(new Decoder(finish_steps(steps)));
}

std::string Decoder::decode(std::span<const std::string> tokens) const {
  StreamDecoder decoder = stream();
  std::string text;
  for (const std::string& token : tokens) text += decoder.push(token);
  return text + decoder.finish();
}

StreamDecoder Decoder::stream() const {
  std::vector<std::unique_ptr<DecoderStage>> stages;
  for (const MakeStage& make : m_stages) stages.push_back(make());
  return StreamDecoder(std::move(stages));
}

}  // namespace vivace
