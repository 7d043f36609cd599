#include "onnx/openvino_module.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr const char* kWhatToDo =
    "install the Python package of tools/requirements-test.txt that is called openvino into .venv (`make deps`) and "
    "build again";

std::string module_path() {
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  return (failed ? std::filesystem::path(".") : program.parent_path()) / kOpenVinoModuleName;
}

}  // namespace

Result<OpenOnnxSession> open_onnx_module(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return error(
        StatusCode::kUnsupported,
        "ONNX files need OpenVINO, and this build was made without it (there is no " + path + "); " + kWhatToDo);
  }
  // Never closed: sessions and OpenVINO's threads run its code until the process ends.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    return error(StatusCode::kUnsupported, "ONNX files need OpenVINO, which cannot be opened (" +
                                               printable(reason == nullptr ? "" : reason) + "); " + kWhatToDo);
  }
  void* const symbol = dlsym(library, kOpenOnnxSessionSymbol);
  if (symbol == nullptr) return error(StatusCode::kUnsupported, path + " is not a module of this program; build again");
  return reinterpret_cast<OpenOnnxSession>(symbol);
}

Result<OpenOnnxSession> open_openvino_module() {
  static const Result<OpenOnnxSession> opened = open_onnx_module(module_path());
  return opened;
}

}  // namespace vivace
