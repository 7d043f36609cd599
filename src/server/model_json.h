// A model of the registry as JSON: what GET /v1/models and the admin routes answer.
#pragma once

#include <string_view>

#include "base/json_writer.h"
#include "runtime/model_registry.h"

namespace vivace {

void write_model(const ModelSnapshot& model, JsonWriter* json);

// Values of a text's vector; 0 of a model that gives none.
int dimensions_of(const ModelInfo& info);

// Its schema, "Model".
std::string_view model_schema();

}  // namespace vivace
