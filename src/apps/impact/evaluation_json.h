// Results of validation as JSON, for the command line and the server alike.
#pragma once

#include "apps/impact/evaluation.h"
#include "base/json_writer.h"

namespace vivace {

// {"without_keywords":…,"with_keywords":…}
void write_gates(const SemanticGates& gates, JsonWriter* json);

// The members of the validation into an object that is open.
void write_validation(const Validation& validation, const SemanticGates& gates, JsonWriter* json);

}  // namespace vivace
