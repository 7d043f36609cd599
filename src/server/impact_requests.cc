#include "server/impact_requests.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "apps/impact/impact_json.h"
#include "server/json_fields.h"

namespace vivace {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

ApiResult<void> read_switches(const JsonValue& body, ScoreCall* call) {
  const auto use_model = read_flag_or(body, "use_model", true);
  if (!use_model) return std::unexpected(use_model.error());
  call->use_model = *use_model ? UseModel::kYes : UseModel::kNo;
  const auto score_only = read_flag_or(body, "score_only", false);
  if (!score_only) return std::unexpected(score_only.error());
  call->score_only = *score_only;
  return {};
}

// What a flat message's body may have beside the message.
constexpr std::array<std::string_view, 5> kSwitches = {"use_model", "score_only", "impact_score", "force_deliberation",
                                                       "force_reason"};

bool holds_switches_only(const JsonValue& body) {
  const auto members = body.as_object();
  return members && std::ranges::all_of(*members, [](const auto& member) {
           return std::ranges::find(kSwitches, member.first) != kSwitches.end();
         });
}

ApiResult<std::vector<JsonValue>> read_messages(const JsonValue& body) {
  const auto member = body.get("messages");
  if (!member) return field_error(member.error(), "messages");
  auto items = member->as_array(ImpactScorer::kMaxBatch);
  if (!items) return field_error(items.error(), "messages");
  return std::move(*items);
}

ApiResult<void> read_contexts(const JsonValue& body, std::vector<ScoreRequest>* requests) {
  const auto member = body.find("contexts");
  if (!member) return {};
  const auto contexts = member->as_array(ImpactScorer::kMaxBatch);
  if (!contexts) return field_error(contexts.error(), "contexts");
  if (contexts->size() != requests->size()) {
    return field_error(
        member->fail(fmt::format("has {} contexts for {} messages", contexts->size(), requests->size())).error(),
        "contexts");
  }
  for (size_t i = 0; i < requests->size(); ++i) {
    if ((*contexts)[i].is_null()) continue;
    auto context = read_context((*contexts)[i]);
    if (!context) return field_error(context.error(), "contexts");
    (*requests)[i].context = std::move(*context);
  }
  return {};
}

}  // namespace

ApiResult<ScoreCall> read_score_call(const JsonValue& body, const std::vector<std::string>& text_fields) {
  ScoreCall call;
  auto request = read_score_request(body, text_fields);
  if (!request) return field_error(request.error(), "message");
  if (holds_switches_only(body)) request->message.empty = true;
  call.requests.push_back(std::move(*request));
  if (const auto read = read_switches(body, &call); !read) return std::unexpected(read.error());
  return call;
}

ApiResult<ScoreCall> read_batch_call(const JsonValue& body, const std::vector<std::string>& text_fields) {
  ScoreCall call;
  const auto messages = read_messages(body);
  if (!messages) return std::unexpected(messages.error());
  for (const JsonValue& item : *messages) {
    if (!item.is_object()) {
      return field_error(item.fail("expected an object, found " + std::string(item.type_name())).error(), "messages");
    }
    auto request = read_score_request(item, text_fields);
    if (!request) return field_error(request.error(), "messages");
    call.requests.push_back(std::move(*request));
  }
  if (const auto read = read_contexts(body, &call.requests); !read) return std::unexpected(read.error());
  if (const auto read = read_switches(body, &call); !read) return std::unexpected(read.error());
  return call;
}

ApiResult<RouteCall> read_route_call(const JsonValue& body, const std::vector<std::string>& text_fields) {
  RouteCall call;
  auto score = read_score_call(body, text_fields);
  if (!score) return std::unexpected(std::move(score).error());
  call.score = std::move(*score);
  if (const auto given = body.find("impact_score")) {
    const auto value = given->as_double();
    if (!value) return field_error(value.error(), "impact_score");
    if (!(*value >= 0 && *value <= 1)) {
      return field_error(given->fail(fmt::format("is {}, expected 0 to 1", *value)).error(), "impact_score");
    }
    call.impact_score = *value;
  }
  const auto force = read_flag_or(body, "force_deliberation", false);
  if (!force) return std::unexpected(force.error());
  call.force = *force;
  auto reason = read_text_or(body, "force_reason", "manual_override");
  if (!reason) return std::unexpected(std::move(reason).error());
  if (reason->size() > kMaxReasonBytes) {
    return field_error({StatusCode::kTooLarge, fmt::format("force_reason: has {} bytes, more than the limit of {}",
                                                           reason->size(), kMaxReasonBytes)},
                       "force_reason");
  }
  call.force_reason = std::move(*reason);
  return call;
}

ApiResult<OutcomeCall> read_outcome_call(const JsonValue& body) {
  OutcomeCall call;
  const auto id = body.get("decision_id");
  if (!id) return field_error(id.error(), "decision_id");
  const auto number = id->as_integer(1, std::numeric_limits<int64_t>::max());
  if (!number) return field_error(number.error(), "decision_id");
  call.decision_id = static_cast<uint64_t>(*number);
  auto name = read_text_or(body, "outcome", "success");
  if (!name) return std::unexpected(std::move(name).error());
  const auto outcome = parse_outcome(*name);
  if (!outcome) return field_error(outcome.error(), "outcome");
  call.outcome = *outcome;
  if (const auto feedback = body.find("feedback")) {
    const auto value = feedback->as_double();
    if (!value) return field_error(value.error(), "feedback");
    call.feedback = *value;
  }
  return call;
}

ApiResult<double> read_threshold_call(const JsonValue& body) {
  const auto member = body.get("impact_threshold");
  if (!member) return field_error(member.error(), "impact_threshold");
  const auto threshold = member->as_double();
  if (!threshold) return field_error(threshold.error(), "impact_threshold");
  return *threshold;
}

ApiResult<std::vector<LabelledMessage>> read_validate_call(const JsonValue& body,
                                                           const std::vector<std::string>& text_fields) {
  const auto messages = read_messages(body);
  if (!messages) return std::unexpected(messages.error());
  if (messages->empty()) {
    return field_error({StatusCode::kInvalidArgument, "messages: is empty; there is nothing to compare"}, "messages");
  }
  std::vector<LabelledMessage> labelled;
  for (const JsonValue& item : *messages) {
    auto message = read_labelled_message(item, text_fields);
    if (!message) return field_error(message.error(), "messages");
    labelled.push_back(std::move(*message));
  }
  return labelled;
}

}  // namespace vivace
