// A model of the registry as JSON: what GET /v1/models and the admin routes answer.
#pragma once

#include <string_view>

#include "base/json_writer.h"
#include "runtime/model_registry.h"

namespace vivace {

void write_model(const ModelSnapshot& model, JsonWriter* json);

// Its schema, "Model".
std::string_view model_schema();

}  // namespace vivace
