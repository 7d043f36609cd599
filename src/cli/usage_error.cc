#include "cli/usage_error.h"

#include <CLI/CLI.hpp>

#include "cli/output_file.h"

namespace vivace {

void throw_usage_error(const std::string& message) {
  throw CLI::ValidationError(message);
}

void check_not_the_input(const std::string& option, const std::string& input, const std::string& output) {
  if (!is_same_file(input, output)) return;
  throw_usage_error(option + " is the file that the texts come from; choose another one");
}

}  // namespace vivace
