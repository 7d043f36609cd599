// The shared module with OpenVINO in it, opened when first asked for. OpenVINO's libraries are 90 MB and take longer to
// load than the rest of the program to start, and most processes need none of it.
#pragma once

#include <string>

#include "base/status.h"
#include "onnx/onnx_session.h"

namespace vivace {

// Name of the module's file; it lies beside the program.
inline constexpr const char* kOpenVinoModuleName = "libvivace_openvino.so";

// The module's opening function. kUnsupported, saying what to install, when this build has no module or the libraries
// that it was built with are gone. Thread-safe; the module stays open.
Result<OpenOnnxSession> open_openvino_module();

// The same with the module's path given.
Result<OpenOnnxSession> open_onnx_module(const std::string& path);

}  // namespace vivace
