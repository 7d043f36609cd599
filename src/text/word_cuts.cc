#include "text/word_cuts.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "text/aligned_text.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

// Regular expressions that match blanks and nothing else.
constexpr std::string_view kBlankExpressions[] = {"\\s{2,}|[\\n\\r\\t]", " {2,}", "\\s+", "\\s{2,}"};

constexpr std::string_view kMetaspace = "\u2581";

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

struct Normalizing {
  bool has_precompiled = false;
  bool in_words = true;          // nothing that a step does depends on what is beyond a cut
  bool strips_left = false;      // but for the blanks that the text begins with
  bool needs_metaspace = false;  // if pieces end at its marks, which some spaces become
};

// A literal without blanks becomes something without blanks, or blanks become one space or mark of Metaspace.
Result<bool> replaces_in_words(const JsonValue& step, Normalizing* normalizing) {
  ASSIGN_OR_RETURN(const JsonValue pattern, step.get("pattern"));
  ASSIGN_OR_RETURN(const std::string content, step.string_or("content", ""));
  ASSIGN_OR_RETURN(const std::string expression, pattern.string_or("Regex", ""));
  if (!expression.empty()) {
    normalizing->needs_metaspace = normalizing->needs_metaspace || content == kMetaspace;
    return is_one_of(expression, kBlankExpressions) && (content == " " || content == kMetaspace);
  }
  ASSIGN_OR_RETURN(const std::string literal, pattern.string_or("String", ""));
  const auto is_graphic = [](char c) { return c > ' ' && c < 0x7F; };
  return !literal.empty() && !content.empty() && std::ranges::all_of(literal, is_graphic) &&
         std::ranges::all_of(content, is_graphic);
}

// NOLINTNEXTLINE(misc-no-recursion): the depth is the document's, which the parser bounds
Result<void> look_at_normalizing(const JsonValue& step, Normalizing* normalizing) {
  constexpr std::string_view kCharacterWise[] = {"NFC",          "NFD", "NFKC",        "NFKD",          "Lowercase",
                                                 "StripAccents", "Nmt", "Precompiled", "BertNormalizer"};
  if (step.is_null()) return {};
  ASSIGN_OR_RETURN(const std::string type, step.string_or("type", ""));
  if (type == "Sequence") {
    ASSIGN_OR_RETURN(const JsonValue list, step.get("normalizers"));
    ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
    for (const JsonValue& item : items) RETURN_IF_ERROR(look_at_normalizing(item, normalizing));
  } else if (type == "Replace") {
    ASSIGN_OR_RETURN(const bool in_words, replaces_in_words(step, normalizing));
    normalizing->in_words = normalizing->in_words && in_words;
  } else if (type == "Strip") {
    ASSIGN_OR_RETURN(const bool strips_left, step.bool_or("strip_left", true));
    normalizing->strips_left = normalizing->strips_left || strips_left;
  } else {
    normalizing->in_words = normalizing->in_words && is_one_of(type, kCharacterWise);
    normalizing->has_precompiled = normalizing->has_precompiled || type == "Precompiled";
  }
  return {};
}

// The same normaliser, but nothing is stripped on the left.
// NOLINTNEXTLINE(misc-no-recursion): see above
Result<std::string> without_left_strip(const JsonValue& step) {
  ASSIGN_OR_RETURN(const std::string type, step.string_or("type", ""));
  if (type == "Strip") {
    ASSIGN_OR_RETURN(const bool strips_right, step.bool_or("strip_right", true));
    return std::string(R"({"type":"Strip","strip_left":false,"strip_right":)") + (strips_right ? "true}" : "false}");
  }
  if (type != "Sequence") return step.to_text();
  ASSIGN_OR_RETURN(const JsonValue list, step.get("normalizers"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  std::string steps;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const std::string text, without_left_strip(item));
    steps += (steps.empty() ? "" : ",") + text;
  }
  return R"({"type":"Sequence","normalizers":[)" + steps + "]}";
}

Result<std::unique_ptr<const Normalizer>> read_without_left_strip(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const std::string json, without_left_strip(normalizer));
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(json, normalizer.path()));
  return Normalizer::read(document.root());
}

struct Splitting {
  bool in_words = true;       // nothing that a step does depends on what is beyond a cut
  bool cuts = false;          // a step ends pieces there
  bool at_lines = true;       // the same holds before a line feed
  bool at_metaspace = false;  // pieces end before U+2581
};

Result<bool> isolates(const JsonValue& step) {
  ASSIGN_OR_RETURN(const std::string behavior, step.string_or("behavior", "Isolated"));
  return behavior == "Isolated" || behavior == "Removed";
}

// NOLINTNEXTLINE(misc-no-recursion): see above
Result<void> look_at_splitting(const JsonValue& step, Splitting* splitting) {
  constexpr std::string_view kAtBlanks[] = {"WhitespaceSplit", "Whitespace", "BertPreTokenizer"};
  if (step.is_null()) return {};
  ASSIGN_OR_RETURN(const std::string type, step.string_or("type", ""));
  if (type == "Sequence") {
    ASSIGN_OR_RETURN(const JsonValue list, step.get("pretokenizers"));
    ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
    for (const JsonValue& item : items) RETURN_IF_ERROR(look_at_splitting(item, splitting));
  } else if (is_one_of(type, kAtBlanks)) {
    splitting->cuts = true;
    splitting->at_lines = false;
  } else if (type == "Metaspace") {
    ASSIGN_OR_RETURN(const bool splits, step.bool_or("split", true));
    ASSIGN_OR_RETURN(const std::string replacement, step.string_or("replacement", ""));
    splitting->cuts = splitting->cuts || splits;
    splitting->at_lines = false;
    splitting->at_metaspace = splitting->at_metaspace || (splits && replacement == kMetaspace);
  } else if (type == "ByteLevel") {
    ASSIGN_OR_RETURN(const bool splits, step.bool_or("use_regex", true));
    ASSIGN_OR_RETURN(const bool add_prefix_space, step.bool_or("add_prefix_space", true));
    splitting->cuts = splitting->cuts || splits;
    splitting->at_lines = splitting->at_lines && splits && !add_prefix_space;
  } else if (type == "Punctuation") {
    ASSIGN_OR_RETURN(const bool in_words, isolates(step));
    splitting->in_words = splitting->in_words && in_words;
  } else if (type != "Digits") {
    splitting->in_words = false;
  }
  return {};
}

// With a space for each mark of Metaspace: where the normaliser makes marks of blanks, either may have been blanks.
std::string with_blanks_for_marks(std::string_view text) {
  std::string blanks;
  for (size_t i = 0; i < text.size();) {
    const bool is_mark = text.substr(i).starts_with(kMetaspace);
    blanks += is_mark ? ' ' : text[i];
    i += is_mark ? kMetaspace.size() : 1;
  }
  return blanks;
}

// A token that no cut can stand in, and that takes nothing along from beyond one.
bool stays_in_word(const AddedTokenMatcher::Pattern& pattern, const Normalizing& normalizing) {
  const bool may_have_been_blanks = normalizing.needs_metaspace && pattern.token.normalized;
  const std::string text = may_have_been_blanks ? with_blanks_for_marks(pattern.text) : pattern.text;
  for (size_t i = 1; i < text.size(); ++i) {
    const bool follows_blank = text[i - 1] == ' ' || text[i - 1] == '\n';
    if ((text[i] == ' ' || text[i] == '\n') && !follows_blank) return false;
  }
  const bool starts_with_blank = text.starts_with(' ') || text.starts_with('\n');
  return !pattern.token.rstrip && !(pattern.token.single_word && starts_with_blank);
}

Result<std::string> normalized(const Normalizer& normalizer, std::string_view text) {
  AlignedText aligned;
  aligned.assign(text, 0);
  RETURN_IF_ERROR(normalizer.normalize(&aligned));
  return std::move(aligned.bytes);
}

Result<void> look_for_byte_level(const JsonValue& root, const Splitting& splitting, WordCuts* cuts) {
  constexpr std::string_view kNormalForms[] = {"NFC", "NFD", "NFKC", "NFKD"};
  const JsonValue pre_tokenizer = optional_part(root, "pre_tokenizer");
  ASSIGN_OR_RETURN(const std::string split, pre_tokenizer.string_or("type", ""));
  if (split != "ByteLevel" || !splitting.at_lines) return {};
  const JsonValue normalizer = optional_part(root, "normalizer");
  cuts->is_byte_level = normalizer.is_null();
  if (cuts->is_byte_level) return {};
  ASSIGN_OR_RETURN(const std::string form, normalizer.string_or("type", ""));
  cuts->is_ascii_byte_level = is_one_of(form, kNormalForms);
  return {};
}

}  // namespace

Result<std::optional<WordCuts>> find_word_cuts(const JsonValue& root, const Normalizer& normalizer,
                                               std::span<const AddedTokenMatcher::Pattern> added) {
  std::optional<WordCuts> cuts;
  const JsonValue normalizer_value = optional_part(root, "normalizer");
  Normalizing normalizing;
  RETURN_IF_ERROR(look_at_normalizing(normalizer_value, &normalizing));
  Splitting splitting;
  RETURN_IF_ERROR(look_at_splitting(optional_part(root, "pre_tokenizer"), &splitting));
  const auto stays = [&](const auto& pattern) { return stays_in_word(pattern, normalizing); };
  if (!normalizing.in_words || !splitting.in_words || !splitting.cuts || !std::ranges::all_of(added, stays) ||
      (normalizing.needs_metaspace && !splitting.at_metaspace)) {
    return cuts;
  }
  ASSIGN_OR_RETURN(const std::string space, normalized(normalizer, "x x"));
  if (space != "x x") return cuts;
  cuts.emplace();
  if (normalizing.strips_left) {
    ASSIGN_OR_RETURN(cuts->normalizer, read_without_left_strip(normalizer_value));
  }
  cuts->may_move_offsets = normalizing.has_precompiled;
  cuts->blanks[' '] = true;
  cuts->blanks['\n'] = splitting.at_lines && normalizer_value.is_null();
  RETURN_IF_ERROR(look_for_byte_level(root, splitting, &*cuts));
  const auto is_graphic = [](char c) { return c > ' ' && c < 0x7F; };
  for (char c = '!'; c <= '~'; ++c) {
    ASSIGN_OR_RETURN(const std::string word, normalized(normalizer, std::string("x") + c + "x"));
    cuts->plain[static_cast<uint8_t>(c)] = word.size() >= 3 && std::ranges::all_of(word, is_graphic);
  }
  cuts->is_all_graphic_plain = std::all_of(&cuts->plain['!'], &cuts->plain['~'] + 1, std::identity());
  return cuts;
}

}  // namespace vivace
