#include "store/labels.h"

#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kNliLabels = {"entailment", "neutral", "contradiction"};
constexpr std::array<std::string_view, 3> kVerdicts = {"SUPPORTED", "REFUTED", "INSUFFICIENT"};

constexpr std::array<std::string_view, 4> kTaskStatuses = {"pending", "processing", "completed", "failed"};

template <typename Enum>
Result<Enum> parse(std::string_view name, std::span<const std::string_view> names, std::string_view what) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  const std::string shown = find_invalid_utf8(name) == kValidUtf8 ? printable(name) : "(not UTF-8)";
  return error(StatusCode::kInvalidArgument,
               fmt::format("unknown {} '{}'; known are {}", what, shown, fmt::join(names, ", ")));
}

}  // namespace

std::string_view nli_label_name(NliLabel label) {
  return kNliLabels[static_cast<size_t>(label)];
}
std::string_view verdict_name(Verdict verdict) {
  return kVerdicts[static_cast<size_t>(verdict)];
}
std::string_view task_status_name(TaskStatus status) {
  return kTaskStatuses[static_cast<size_t>(status)];
}

Result<NliLabel> parse_nli_label(std::string_view name) {
  return parse<NliLabel>(name, kNliLabels, "label");
}
Result<Verdict> parse_verdict(std::string_view name) {
  return parse<Verdict>(name, kVerdicts, "verdict");
}
Result<TaskStatus> parse_task_status(std::string_view name) {
  return parse<TaskStatus>(name, kTaskStatuses, "task status");
}

}  // namespace vivace
