// What is wrong or doubtful with a claim before any model sees it. Pure function.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

enum class ClaimCode {
  // The claim is refused. The first that applies is reported.
  kReplacementChar,   // holds U+FFFD: the text was damaged before
  kEncodingMismatch,  // not UTF-8
  kEmptyText,         // nothing but white space
  kNoAlphanumeric,    // no letter or digit of any script
  kSingleWord,        // fewer than min_words words
  kInvalidUnicode,    // cannot be brought into normal form C
  // The claim is taken with a warning: at most one about its length, then the last.
  kMinimalContext,       // fewer than 3 words
  kExcessiveLength,      // more than max_words words
  kPotentialTruncation,  // longer, by estimate, than an entailment model takes
  kHighNonAsciiRatio,    // mostly not ASCII
};

std::string_view claim_code_name(ClaimCode code);  // "EMPTY_TEXT", …
std::string_view claim_code_type(ClaimCode code);  // "encoding", "structure", "length", "characters"
std::string_view claim_code_advice(ClaimCode code);

struct ClaimLimits {
  size_t min_words = 2;
  size_t max_words = 500;
  size_t max_tokens_estimate = 450;  // words × 1.3
  double max_non_ascii_ratio = 0.5;
};

struct ClaimValidation {
  std::optional<ClaimCode> refused_for;
  std::vector<ClaimCode> warnings;
  std::string normalized;  // normal form C, not trimmed; empty when refused
  size_t word_count = 0;   // filled as far as the checks came
  size_t estimated_tokens = 0;
  double non_ascii_ratio = 0;  // of the code points as given, 3 decimals
  bool has_rtl = false;        // Hebrew or Arabic letters
  bool has_emoji = false;
  bool normalization_changed = false;
  size_t replacement_char_count = 0;
};

// text: any bytes. Words stand between white space; within one, each ideograph counts as a word of its own, since
// Chinese and Japanese write no blanks.
ClaimValidation validate_claim(std::string_view text, const ClaimLimits& limits);

}  // namespace vivace
