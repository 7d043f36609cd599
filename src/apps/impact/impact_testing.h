// Requests from JSON text, scorers with a clock that the test moves, and the recorded messages of tests/impact/data.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/impact/impact_scorer.h"
#include "base/json.h"

namespace vivace {

ScoreRequest request_of(std::string_view json);
ImpactAnalysis score_of(ImpactScorer& scorer, std::string_view json);
std::unique_ptr<ImpactScorer> keyword_scorer(ScoringConfig config = {});

// The lines of a file under tests/impact/data.
std::vector<std::string> recorded_lines(const std::string& name);

// Vectors that depend on the letters of a text alone; "zero" gives a vector of zeros.
Result<std::vector<EmbeddedText>> letter_counts(const std::vector<std::string>& texts, const RequestLimits& limits);

}  // namespace vivace
