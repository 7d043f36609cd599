#include "base/program_module.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "base/utf8.h"

namespace vivace {

std::string program_module_path(std::string_view file_name) {
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  return (failed ? std::filesystem::path(".") : program.parent_path()) / file_name;
}

Result<void*> open_program_module(const ProgramModule& module) {
  std::error_code ignored;
  if (!std::filesystem::exists(module.path, ignored)) {
    return error(StatusCode::kUnsupported, module.needed_for + ", and this build was made without it (there is no " +
                                               module.path + "); " + module.what_to_do);
  }
  // Never closed: threads of the library behind it run its code until the process ends.
  void* const library = dlopen(module.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    return error(StatusCode::kUnsupported, module.needed_for + ", which cannot be opened (" +
                                               printable(reason == nullptr ? "" : reason) + "); " + module.what_to_do);
  }
  void* const symbol = dlsym(library, module.symbol.c_str());
  if (symbol == nullptr) {
    return error(StatusCode::kUnsupported, module.path + " is not a module of this program; build again");
  }
  return symbol;
}

}  // namespace vivace
