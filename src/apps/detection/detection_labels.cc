#include "apps/detection/detection_labels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/ranges.h>

namespace vivace {
namespace {

// Lower case without what separates words: "AI-Generated" and "ai_generated" are one name.
std::string plain_name(std::string_view label) {
  std::string name;
  for (const char c : label) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    }
  }
  return name;
}

template <size_t N>
std::optional<size_t> find_only(const std::vector<std::string>& labels, const std::array<std::string_view, N>& names) {
  std::optional<size_t> found;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (std::ranges::find(names, plain_name(labels[i])) == names.end()) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

std::unexpected<Status> unclear(const std::vector<std::string>& labels, std::string_view problem) {
  return error(StatusCode::kUnsupported,
               fmt::format("{}; the model's labels are {}", problem, fmt::join(labels, ", ")));
}

}  // namespace

Result<size_t> find_ai_label(const std::vector<std::string>& labels, std::string_view wanted) {
  constexpr std::array<std::string_view, 13> kMachine = {
      "ai",   "aigenerated", "aiwritten", "aitext",  "generated", "machine", "machinegenerated",
      "fake", "llm",         "gpt",       "chatgpt", "synthetic", "bot"};
  constexpr std::array<std::string_view, 6> kHuman = {"human",     "humanwritten", "humangenerated",
                                                      "humantext", "real",         "authentic"};
  if (!wanted.empty()) {
    const auto found = std::ranges::find(labels, wanted);
    if (found != labels.end()) return static_cast<size_t>(found - labels.begin());
    return unclear(labels, fmt::format("there is no label '{}'", wanted));
  }
  if (const auto machine = find_only(labels, kMachine)) return *machine;
  if (labels.size() == 2) {
    if (const auto human = find_only(labels, kHuman)) return 1 - *human;
    if (labels[0] == "LABEL_0" && labels[1] == "LABEL_1") return 1;
  }
  return unclear(labels, "cannot tell which label means AI text; name it (detection_label, --label)");
}

std::string_view classify_average(double average_probability) {
  if (average_probability >= kAiGenerated) return "ai_generated";
  return average_probability <= kHumanWritten ? "human_written" : "mixed";
}

}  // namespace vivace
