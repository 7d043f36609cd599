// Bodies of the impact routes: what they ask for, read and checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/impact/adaptive_router.h"
#include "apps/impact/evaluation.h"
#include "apps/impact/impact_scorer.h"
#include "base/json.h"
#include "server/error_table.h"

namespace vivace {

struct ScoreCall {
  std::vector<ScoreRequest> requests;
  UseModel use_model = UseModel::kYes;
  bool score_only = false;
};

// A message, or {"message":{…},"context":{…}|null,"use_model":true,"score_only":false}.
ApiResult<ScoreCall> read_score_call(const JsonValue& body, const std::vector<std::string>& text_fields);
// {"messages":[…],"contexts":[…]|null,"use_model":true,"score_only":false}; a message may bring its own context.
ApiResult<ScoreCall> read_batch_call(const JsonValue& body, const std::vector<std::string>& text_fields);

struct RouteCall {
  ScoreCall score;
  std::optional<double> impact_score;  // given instead of computed
  bool force = false;
  std::string force_reason;
};
// As read_score_call(), and "impact_score", "force_deliberation", "force_reason".
ApiResult<RouteCall> read_route_call(const JsonValue& body, const std::vector<std::string>& text_fields);

struct OutcomeCall {
  uint64_t decision_id = 0;
  Outcome outcome = Outcome::kSuccess;
  std::optional<double> feedback;
};
ApiResult<OutcomeCall> read_outcome_call(const JsonValue& body);

// {"impact_threshold":0.7}, any number.
ApiResult<double> read_threshold_call(const JsonValue& body);

// {"messages":[{"message":{…},"risk":true},…]}
ApiResult<std::vector<LabelledMessage>> read_validate_call(const JsonValue& body,
                                                           const std::vector<std::string>& text_fields);

}  // namespace vivace
