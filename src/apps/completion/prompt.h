// What a completion model is sent for a piece of code: the five prompt strategies and the language that a text looks
// like. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

enum class PromptStrategy {
  kNone,           // the code as it stands
  kTaskPrefix,     // behind "code completion: "
  kInstruction,    // behind a sentence that asks for its completion
  kFewShot,        // behind two worked examples
  kLanguageAware,  // behind a line that names the language
};

// "NONE", "TASK_PREFIX", …
std::string_view prompt_strategy_name(PromptStrategy strategy);
// In any case, "task-prefix" too. kInvalidArgument, listing the names, for any other text.
Result<PromptStrategy> parse_prompt_strategy(std::string_view name);

// "Python", "Java", "JavaScript" or "Go", else "code": a guess from a few tell-tale words.
std::string_view detect_language(std::string_view code);

std::string make_prompt(std::string_view code, PromptStrategy strategy);

}  // namespace vivace
