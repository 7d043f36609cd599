#include "apps/completion/prompt.h"

#include <array>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> kStrategies = {"NONE", "TASK_PREFIX", "INSTRUCTION", "FEW_SHOT",
                                                         "LANGUAGE_AWARE"};

constexpr std::string_view kExamples =
    "# Example 1: Python function\n"
    "def calculate\n"
    "def calculate_sum(a, b):\n"
    "    return a + b\n"
    "\n"
    "# Example 2: Java class\n"
    "public class User\n"
    "public class User {\n"
    "    private String name;\n"
    "}\n"
    "\n"
    "# Your code:\n";

// Without blanks and control characters at both ends, in lower case as far as ASCII goes: the tell-tale words are
// ASCII.
std::string trimmed_lower(std::string_view code) {
  while (!code.empty() && static_cast<unsigned char>(code.front()) <= ' ') code.remove_prefix(1);
  while (!code.empty() && static_cast<unsigned char>(code.back()) <= ' ') code.remove_suffix(1);
  std::string text(code);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

std::string_view prompt_strategy_name(PromptStrategy strategy) {
  return kStrategies[static_cast<size_t>(strategy)];
}

Result<PromptStrategy> parse_prompt_strategy(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  for (size_t i = 0; i < kStrategies.size(); ++i) {
    if (kStrategies[i] == upper) return static_cast<PromptStrategy>(i);
  }
  return error(StatusCode::kInvalidArgument, fmt::format("unknown prompt strategy '{}'; known are {}", printable(name),
                                                         fmt::join(kStrategies, ", ")));
}

std::string_view detect_language(std::string_view code) {
  const std::string text = trimmed_lower(code);
  auto starts = [&text](std::string_view word) { return text.starts_with(word); };
  auto holds = [&text](std::string_view word) { return text.find(word) != std::string::npos; };
  if (starts("def ") || starts("import ") || holds("print(")) return "Python";
  if (starts("public ") || starts("private ") || holds("class ") || holds("void ")) return "Java";
  if (starts("function ") || starts("const ") || starts("let ") || holds("=>")) return "JavaScript";
  if (starts("func ") || holds(":=")) return "Go";
  return "code";
}

std::string make_prompt(std::string_view code, PromptStrategy strategy) {
  switch (strategy) {
    case PromptStrategy::kNone: return std::string(code);
    case PromptStrategy::kTaskPrefix: return fmt::format("code completion: {}", code);
    case PromptStrategy::kInstruction: return fmt::format("Complete the following code:\n\n{}", code);
    case PromptStrategy::kFewShot: return fmt::format("{}{}", kExamples, code);
    case PromptStrategy::kLanguageAware: return fmt::format("Generate {} code:\n{}", detect_language(code), code);
  }
  return std::string(code);
}

}  // namespace vivace
