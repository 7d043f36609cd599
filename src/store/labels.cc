#include "store/labels.h"

#include <array>
#include <string>

#include "base/utf8.h"

namespace vivace {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kNliLabels = {"entailment", "neutral", "contradiction"};
constexpr std::array<std::string_view, 3> kVerdicts = {"SUPPORTED", "REFUTED", "INSUFFICIENT"};

template <typename Enum>
Result<Enum> parse(std::string_view name, const std::array<std::string_view, 3>& names, std::string_view what) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  const std::string shown = find_invalid_utf8(name) == kValidUtf8 ? printable(name) : "(not UTF-8)";
  return error(StatusCode::kInvalidArgument, "unknown " + std::string(what) + " '" + shown + "'; known are " +
                                                 std::string(names[0]) + ", " + std::string(names[1]) + " and " +
                                                 std::string(names[2]));
}

}  // namespace

std::string_view nli_label_name(NliLabel label) {
  return kNliLabels[static_cast<size_t>(label)];
}
std::string_view verdict_name(Verdict verdict) {
  return kVerdicts[static_cast<size_t>(verdict)];
}

Result<NliLabel> parse_nli_label(std::string_view name) {
  return parse<NliLabel>(name, kNliLabels, "label");
}
Result<Verdict> parse_verdict(std::string_view name) {
  return parse<Verdict>(name, kVerdicts, "verdict");
}

}  // namespace vivace
