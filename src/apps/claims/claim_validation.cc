#include "apps/claims/claim_validation.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

#include "base/utf8.h"
#include "store/index_words.h"

namespace vivace {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr double kTokensPerWord = 1.3;

bool is_between(char32_t c, char32_t first, char32_t last) {
  return first <= c && c <= last;
}

// What Python's str.split() splits at: Unicode's white space and the four separators of ASCII.
bool is_space(char32_t c) {
  return is_between(c, 0x09, 0x0D) || is_between(c, 0x1C, 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         is_between(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_ideograph(char32_t c) {
  return is_between(c, 0x3400, 0x4DBF) || is_between(c, 0x4E00, 0x9FFF) || is_between(c, 0xF900, 0xFAFF) ||
         is_between(c, 0x20000, 0x323AF);
}

struct CharacterCounts {
  size_t code_points = 0;
  size_t non_ascii = 0;
  size_t words = 0;
  bool only_space = true;
  bool has_alphanumeric = false;
  bool has_rtl = false;
  bool has_emoji = false;
};

// text: valid UTF-8.
CharacterCounts count_characters(std::string_view text) {
  CharacterCounts counts;
  size_t ideographs = 0;  // of the word that has begun
  bool in_word = false;
  auto end_word = [&] {
    if (in_word) counts.words += std::max<size_t>(ideographs, 1);
    in_word = false;
    ideographs = 0;
  };
  for (size_t position = 0; position < text.size();) {
    const char32_t c = next_code_point(text, &position);
    ++counts.code_points;
    counts.non_ascii += c > 0x7F ? 1 : 0;
    counts.has_rtl |= is_between(c, 0x590, 0x6FF);
    counts.has_emoji |= is_between(c, 0x1F300, 0x1F9FF);
    if (is_space(c)) {
      end_word();
      continue;
    }
    in_word = true;
    counts.only_space = false;
    ideographs += is_ideograph(c) ? 1 : 0;
    counts.has_alphanumeric = counts.has_alphanumeric || is_letter_or_number(c);
  }
  end_word();
  return counts;
}

size_t count_replacements(std::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(kReplacement); at != std::string_view::npos; at = text.find(kReplacement, at + 3)) ++count;
  return count;
}

std::optional<std::string> to_normal_form_c(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
}

std::optional<ClaimCode> length_warning(const ClaimValidation& result, const ClaimLimits& limits) {
  if (result.word_count < 3) return ClaimCode::kMinimalContext;
  if (result.word_count > limits.max_words) return ClaimCode::kExcessiveLength;
  if (result.estimated_tokens > limits.max_tokens_estimate) return ClaimCode::kPotentialTruncation;
  return std::nullopt;
}

struct CodeText {
  std::string_view name;
  std::string_view type;
  std::string_view advice;
};

CodeText code_text(ClaimCode code) {
  switch (code) {
    case ClaimCode::kReplacementChar:
      return {"REPLACEMENT_CHAR", "encoding", "characters were lost (U+FFFD); send the claim in its original encoding"};
    case ClaimCode::kEncodingMismatch: return {"ENCODING_MISMATCH", "encoding", "the claim is not UTF-8"};
    case ClaimCode::kEmptyText: return {"EMPTY_TEXT", "structure", "the claim is empty"};
    case ClaimCode::kNoAlphanumeric: return {"NO_ALPHANUMERIC", "structure", "the claim has no letter and no digit"};
    case ClaimCode::kSingleWord: return {"SINGLE_WORD", "length", "write the claim as a sentence"};
    case ClaimCode::kInvalidUnicode: return {"INVALID_UNICODE", "encoding", "the claim could not be normalised"};
    case ClaimCode::kMinimalContext: return {"MINIMAL_CONTEXT", "length", "a longer claim is easier to verify"};
    case ClaimCode::kExcessiveLength:
      return {"EXCESSIVE_LENGTH", "length", "split the claim: it will be cut at the model's limit"};
    case ClaimCode::kPotentialTruncation:
      return {"POTENTIAL_TRUNCATION", "length", "the claim may be cut at the model's limit"};
    case ClaimCode::kHighNonAsciiRatio:
      return {"HIGH_NON_ASCII_RATIO", "characters", "check that the model knows the claim's language"};
  }
  return {};
}

}  // namespace

std::string_view claim_code_name(ClaimCode code) {
  return code_text(code).name;
}
std::string_view claim_code_type(ClaimCode code) {
  return code_text(code).type;
}
std::string_view claim_code_advice(ClaimCode code) {
  return code_text(code).advice;
}

ClaimValidation validate_claim(std::string_view text, const ClaimLimits& limits) {
  ClaimValidation result;
  auto refuse = [&result](ClaimCode code) {
    result.refused_for = code;
    return result;
  };
  result.replacement_char_count = count_replacements(text);
  if (result.replacement_char_count > 0) return refuse(ClaimCode::kReplacementChar);
  if (find_invalid_utf8(text) != kValidUtf8) return refuse(ClaimCode::kEncodingMismatch);

  const CharacterCounts counts = count_characters(text);
  if (counts.only_space) return refuse(ClaimCode::kEmptyText);
  if (!counts.has_alphanumeric) return refuse(ClaimCode::kNoAlphanumeric);
  result.word_count = counts.words;
  result.estimated_tokens = static_cast<size_t>(static_cast<double>(counts.words) * kTokensPerWord);
  if (counts.words < limits.min_words) return refuse(ClaimCode::kSingleWord);

  std::optional<std::string> normalized = to_normal_form_c(text);
  if (!normalized) return refuse(ClaimCode::kInvalidUnicode);
  result.normalized = std::move(*normalized);
  result.normalization_changed = result.normalized != text;
  result.has_rtl = counts.has_rtl;
  result.has_emoji = counts.has_emoji;
  const double ratio = static_cast<double>(counts.non_ascii) / static_cast<double>(counts.code_points);
  result.non_ascii_ratio = std::nearbyint(ratio * 1000) / 1000;
  if (const auto warning = length_warning(result, limits)) result.warnings.push_back(*warning);
  if (ratio > limits.max_non_ascii_ratio) result.warnings.push_back(ClaimCode::kHighNonAsciiRatio);
  return result;
}

}  // namespace vivace
