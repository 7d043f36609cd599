// The factors that depend on the message and its context alone. Pure functions; each reports why it has its value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/impact/message.h"
#include "apps/impact/scoring_config.h"

namespace vivace {

struct ExplainedValue {
  double value = 0;
  std::string why;
};

// The keywords that occur anywhere in the text, each once, in the order of the list. Text in lower case.
std::vector<std::string> match_keywords(std::string_view text, const std::vector<std::string>& keywords);

// The strongest verb in any tool's name: executing .9, sending .5, reading .2, everything else .1.
ExplainedValue permission_factor(const ScoreRequest& request);
ExplainedValue context_factor(const ScoreRequest& request, const ScoringConfig& config);
// critical or 3: 1, high or 2: .7, medium, normal or 1: .5, low or 0: .2, anything else: .5.
ExplainedValue priority_factor(const ScoreRequest& request);
// governance or constitutional: .8, command: .4, else .2.
ExplainedValue type_factor(const ScoreRequest& request);

// context.agent_id, else message.from_agent, else "anonymous".
std::string_view agent_of(const ScoreRequest& request);

}  // namespace vivace
