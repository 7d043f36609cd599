// Shared modules of the program: parts with a large library behind them, opened only when they are needed.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// Where a module lies: beside the program.
std::string program_module_path(std::string_view file_name);

struct ProgramModule {
  std::string path;
  std::string symbol;      // the module's one function
  std::string needed_for;  // begins messages: "ONNX files need OpenVINO"
  std::string what_to_do;  // ends them
};

// The address of the function. kUnsupported, saying what to do, when this build has no such module, or the libraries
// that it was built with are gone. The module stays open until the process ends. Thread-safe.
Result<void*> open_program_module(const ProgramModule& module);

}  // namespace vivace
