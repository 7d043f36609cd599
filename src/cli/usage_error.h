// What only shows while a verb runs, but is the command line's or the configuration's fault all the same.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace vivace {

// Ends the verb as a wrong option does: one line, exit code 2. Thrown as CLI11 does, to be caught in run_program(), so
// only on the thread of the verb's action.
[[noreturn]] void throw_usage_error(const std::string& message);

// The value, or the error as one of usage.
template <typename T>
T value_or_usage_error(Result<T> result) {
  if (!result) throw_usage_error(result.error().message);
  return std::move(*result);
}
inline void check_usage(const Result<void>& checked) {
  if (!checked) throw_usage_error(checked.error().message);
}

// For an option that names a file to write, which must not be the one that is read (see is_same_file()).
void check_not_the_input(const std::string& option, const std::string& input, const std::string& output);

}  // namespace vivace
