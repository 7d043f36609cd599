// For keys of what was computed before: another load of a model, perhaps of other weights in the same folder, answers
// anew.
#pragma once

#include <string>

#include <fmt/format.h>

#include "engine/engine.h"

namespace vivace {

inline std::string load_identity(const Engine& engine) {
  const ModelInfo& info = engine.info();
  // The time that a load took tells two loads apart where the address does not.
  return fmt::format("{}\n{}\n{}\n{}", info.directory, info.precision, info.load_ms, fmt::ptr(&engine));
}

}  // namespace vivace
