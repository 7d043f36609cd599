#include "apps/impact/impact_json.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace vivace {
namespace {

// A text as it is, anything else as JSON text.
std::string printed(const JsonValue& value) {
  if (auto text = value.as_string()) return std::string(*text);
  return value.to_text();
}

Result<std::string> read_name(const JsonValue& value) {
  std::string name = printed(value);
  if (name.size() <= kMaxNameBytes) return name;
  return error(StatusCode::kTooLarge,
               fmt::format("{}: has {} bytes, more than the limit of {}", value.path(), name.size(), kMaxNameBytes));
}

Result<std::optional<std::string>> find_name(const JsonValue& object, std::string_view key) {
  const auto member = object.find(key);
  if (!member) return std::nullopt;
  ASSIGN_OR_RETURN(std::string name, read_name(*member));
  return name;
}

// Of any length: a text that is too long to be a name may still contain one.
std::optional<std::string> find_printed(const JsonValue& object, std::string_view key) {
  const auto member = object.find(key);
  if (!member) return std::nullopt;
  return printed(*member);
}

Result<std::optional<std::vector<Tool>>> find_tools(const JsonValue& object) {
  const auto member = object.find("tools");
  if (!member) return std::nullopt;
  std::vector<Tool> tools;
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, member->as_array(kMaxTools));
  for (const JsonValue& item : items) {
    if (!item.is_object()) {
      ASSIGN_OR_RETURN(std::string name, read_name(item));
      tools.push_back({std::move(name)});
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<std::string> name, find_name(item, "name"));
    tools.push_back({std::move(name).value_or("")});
  }
  return tools;
}

Result<bool> is_empty_object(const JsonValue& value) {
  ASSIGN_OR_RETURN(const auto members, value.as_object());
  return members.empty();
}

void read_content(const JsonValue& message, Message* out) {
  const auto content = message.find("content");
  if (!content) return;
  out->printed_content = printed(*content);
  if (!content->is_object() || !content->get("text")) {
    out->content = out->printed_content;
  } else if (const auto text = content->find("text")) {
    out->content = printed(*text);
  }
}

void read_payload(const JsonValue& message, Message* out) {
  const auto payload = message.find("payload");
  if (!payload) return;
  if (const auto text = payload->find("message")) out->payload_message = printed(*text);
  if (const auto amount = payload->find("amount")) {
    if (const auto number = amount->as_double()) out->amount = *number;
  }
}

constexpr std::array<std::string_view, 7> kMessageMembers = {
    "content", "payload", "priority", "message_type", "from_agent", "tools", "constitutional_hash"};
constexpr std::array<std::string_view, 2> kTextMembers = {"content", "payload"};

bool has_any_of(const JsonValue& object, std::span<const std::string_view> members) {
  return std::ranges::any_of(members, [&](std::string_view name) { return object.get(name).has_value(); });
}

bool has_own_text(const JsonValue& object, const std::vector<std::string>& text_fields) {
  const auto is_there = [&](const std::string& name) { return object.get(name).has_value(); };
  return has_any_of(object, kTextMembers) || std::ranges::any_of(text_fields, is_there);
}

}  // namespace

Result<Message> read_message(const JsonValue& value, const std::vector<std::string>& text_fields) {
  Message message;
  ASSIGN_OR_RETURN(message.empty, is_empty_object(value));
  read_content(value, &message);
  read_payload(value, &message);
  for (const std::string& field : text_fields) {
    if (const auto text = value.find(field)) message.extra_texts.push_back(printed(*text));
  }
  message.priority = find_printed(value, "priority");
  message.message_type = find_printed(value, "message_type");
  ASSIGN_OR_RETURN(std::optional<std::string> agent, find_name(value, "from_agent"));
  message.from_agent = std::move(agent).value_or("");
  ASSIGN_OR_RETURN(std::optional<std::vector<Tool>> tools, find_tools(value));
  message.tools = std::move(tools).value_or(std::vector<Tool>());
  ASSIGN_OR_RETURN(message.constitutional_hash, find_name(value, "constitutional_hash"));
  return message;
}

Result<Context> read_context(const JsonValue& value) {
  Context context;
  ASSIGN_OR_RETURN(context.empty, is_empty_object(value));
  ASSIGN_OR_RETURN(std::optional<std::string> agent, find_name(value, "agent_id"));
  context.agent_id = std::move(agent).value_or("");
  context.priority = find_printed(value, "priority");
  context.message_type = find_printed(value, "message_type");
  ASSIGN_OR_RETURN(context.tools, find_tools(value));
  if (const auto override = value.find("semantic_override")) {
    ASSIGN_OR_RETURN(const double semantic, override->as_double());
    if (!(semantic >= 0 && semantic <= 1)) return override->fail(fmt::format("is {}, expected 0 to 1", semantic));
    context.semantic_override = semantic;
  }
  return context;
}

Result<ScoreRequest> read_score_request(const JsonValue& value, const std::vector<std::string>& text_fields) {
  ScoreRequest request;
  const auto wrapped = value.find("message");
  const bool is_wrapped = wrapped && wrapped->is_object();
  // A message of somebody else may have members "message" and "context" too; where it has a text of its own, only an
  // object can be a message or a context of ours.
  if (!is_wrapped && has_own_text(value, text_fields)) {
    ASSIGN_OR_RETURN(request.message, read_message(value, text_fields));
    const auto context = value.find("context");
    if (context && context->is_object()) {
      ASSIGN_OR_RETURN(request.context, read_context(*context));
    }
    return request;
  }
  if (wrapped && !is_wrapped) {
    return wrapped->fail("expected an object, found " + std::string(wrapped->type_name()));
  }
  ASSIGN_OR_RETURN(request.message, read_message(is_wrapped ? *wrapped : value, text_fields));
  const bool names_either = value.get("message").has_value() || value.get("context").has_value();
  if (!is_wrapped && names_either) request.message.empty = !has_any_of(value, kMessageMembers);
  if (const auto context = value.find("context")) {
    ASSIGN_OR_RETURN(request.context, read_context(*context));
  }
  return request;
}

void write_analysis(const ImpactAnalysis& analysis, JsonWriter* json) {
  json->key("score").value(analysis.score).key("factors").begin_object();
  for (const FactorValue& factor : named_factors(analysis.factors)) json->key(factor.name).value(factor.value);
  json->end_object();
  json->key("recommendation").value(analysis.recommendation);
  json->key("requires_deliberation").value(analysis.requires_deliberation);
  json->key("matched_keywords").begin_array();
  for (const std::string& keyword : analysis.matched_keywords) json->value(keyword);
  json->end_array();
  json->key("backend").value(analysis.backend).key("degraded").value(analysis.degraded);
  if (analysis.similarity) {
    json->key("similarity").value(*analysis.similarity).key("passed_gate").value(analysis.passed_gate);
  }
  if (analysis.cached) json->key("cached").value(true);
  if (analysis.truncated) json->key("truncated").value(true);
  json->key("explanations").begin_array();
  for (const Explanation& explanation : analysis.explanations) {
    json->begin_object().key("of").value(explanation.of).key("why").value(explanation.why).end_object();
  }
  json->end_array();
}

}  // namespace vivace
