// Engines on the tiny models of tests/golden, for tests.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/engine.h"

namespace vivace {

inline std::shared_ptr<Engine> golden_engine(const std::string& name) {
  EngineOptions options;
  options.threads = 2;
  options.precision = Precision::kF32;  // as the references
  auto engine = Engine::load(std::string(VIVACE_SOURCE_DIR) + "/tests/golden/" + name, options);
  EXPECT_TRUE(engine) << engine.error().message;
  return engine ? std::shared_ptr<Engine>(std::move(*engine)) : nullptr;
}

inline std::shared_ptr<Engine> golden_detector() {
  return golden_engine("detector-deberta");
}

}  // namespace vivace
