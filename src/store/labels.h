// The vocabularies of claim verification: what one piece of evidence says about a claim, what all of it says, and how
// far the work is.
#pragma once

#include <string_view>

#include "base/status.h"

namespace vivace {

enum class NliLabel { kEntailment, kNeutral, kContradiction };
enum class Verdict { kSupported, kRefuted, kInsufficient };
enum class TaskStatus { kPending, kProcessing, kCompleted, kFailed };

// "entailment", "neutral", "contradiction".
std::string_view nli_label_name(NliLabel label);
// "SUPPORTED", "REFUTED", "INSUFFICIENT".
std::string_view verdict_name(Verdict verdict);

// "pending", "processing", "completed", "failed".
std::string_view task_status_name(TaskStatus status);

// kInvalidArgument, naming the known ones, for any other text.
Result<NliLabel> parse_nli_label(std::string_view name);
Result<Verdict> parse_verdict(std::string_view name);
Result<TaskStatus> parse_task_status(std::string_view name);

}  // namespace vivace
