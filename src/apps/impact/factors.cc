#include "apps/impact/factors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// The first rule any of whose parts occurs in a name gives the value.
struct NameRule {
  double value;
  std::array<std::string_view, 5> parts;  // the rest is empty
};

constexpr double kUnknownTool = 0.1;
constexpr std::array kPermissionRules = {
    NameRule{0.9, {"execute", "delete", "write", "submit", "transfer"}},
    NameRule{0.5, {"send", "update", "modify"}},
    NameRule{0.2, {"read", "get", "list", "view"}},
};

constexpr double kUnknownPriority = 0.5;
constexpr std::array kPriorityRules = {
    NameRule{1.0, {"critical", "3"}},
    NameRule{0.7, {"high", "2"}},
    NameRule{0.5, {"medium", "normal", "1"}},
    NameRule{0.2, {"low", "0"}},
};

constexpr double kOtherType = 0.2;
constexpr std::array kTypeRules = {
    NameRule{0.8, {"governance", "constitutional"}},
    NameRule{0.4, {"command"}},
};

struct Match {
  double value;
  std::string_view part;
};

std::optional<Match> first_match(std::string_view name, std::span<const NameRule> rules) {
  for (const NameRule& rule : rules) {
    for (const std::string_view part : rule.parts) {
      if (!part.empty() && name.find(part) != std::string_view::npos) return Match{rule.value, part};
    }
  }
  return std::nullopt;
}

const std::optional<std::string>& chosen(const std::optional<std::string>& context,
                                         const std::optional<std::string>& message) {
  return context ? context : message;
}

}  // namespace

std::vector<std::string> match_keywords(std::string_view text, const std::vector<std::string>& keywords) {
  std::vector<std::string> matched;
  for (const std::string& keyword : keywords) {
    if (text.find(keyword) != std::string_view::npos) matched.push_back(keyword);
  }
  return matched;
}

ExplainedValue permission_factor(const ScoreRequest& request) {
  const std::vector<Tool>& tools = request.context.tools ? *request.context.tools : request.message.tools;
  if (tools.empty()) return {kUnknownTool, "no tools"};
  ExplainedValue strongest{kUnknownTool, "no tool whose name tells what it may do"};
  for (const Tool& tool : tools) {
    const auto match = first_match(normalize_text(tool.name), kPermissionRules);
    if (match && match->value > strongest.value) {
      strongest = {match->value, fmt::format("tool '{}' may {}", printable(tool.name), match->part)};
    }
  }
  return strongest;
}

ExplainedValue context_factor(const ScoreRequest& request, const ScoringConfig& config) {
  const std::optional<double>& amount = request.message.amount;
  if (amount && *amount > config.large_amount) {
    return {config.context_base + config.large_amount_bonus,
            fmt::format("payload.amount {} is above {}", *amount, config.large_amount)};
  }
  if (amount)
    return {config.context_base, fmt::format("payload.amount {} is not above {}", *amount, config.large_amount)};
  return {config.context_base, "no payload.amount"};
}

ExplainedValue priority_factor(const ScoreRequest& request) {
  const std::optional<std::string>& priority = chosen(request.context.priority, request.message.priority);
  if (!priority) return {kUnknownPriority, "no priority"};
  const auto match = first_match(normalize_text(*priority), kPriorityRules);
  if (!match) return {kUnknownPriority, fmt::format("priority '{}' is none that is known", printable(*priority))};
  return {match->value, fmt::format("priority '{}' contains {}", printable(*priority), match->part)};
}

ExplainedValue type_factor(const ScoreRequest& request) {
  const std::optional<std::string>& type = chosen(request.context.message_type, request.message.message_type);
  if (!type) return {kOtherType, "no message type"};
  const auto match = first_match(normalize_text(*type), kTypeRules);
  if (!match) return {kOtherType, fmt::format("message type '{}' is neither governance nor command", printable(*type))};
  return {match->value, fmt::format("message type '{}' contains {}", printable(*type), match->part)};
}

std::string_view agent_of(const ScoreRequest& request) {
  if (!request.context.agent_id.empty()) return request.context.agent_id;
  if (!request.message.from_agent.empty()) return request.message.from_agent;
  return "anonymous";
}

}  // namespace vivace
