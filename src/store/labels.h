// The two vocabularies of claim verification: what one piece of evidence says about a claim, and what all of it says.
#pragma once

#include <string_view>

#include "base/status.h"

namespace vivace {

enum class NliLabel { kEntailment, kNeutral, kContradiction };
enum class Verdict { kSupported, kRefuted, kInsufficient };

// "entailment", "neutral", "contradiction".
std::string_view nli_label_name(NliLabel label);
// "SUPPORTED", "REFUTED", "INSUFFICIENT".
std::string_view verdict_name(Verdict verdict);

// kInvalidArgument, naming the known ones, for any other text.
Result<NliLabel> parse_nli_label(std::string_view name);
Result<Verdict> parse_verdict(std::string_view name);

}  // namespace vivace
