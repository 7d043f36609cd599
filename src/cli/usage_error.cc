#include "cli/usage_error.h"

#include <CLI/CLI.hpp>

namespace vivace {

void throw_usage_error(const std::string& message) {
  throw CLI::ValidationError(message);
}

}  // namespace vivace
