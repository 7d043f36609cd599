// The shared module with OpenVINO in it, opened when first asked for: a program that is linked to OpenVINO starts 40 ms
// later and takes 8 MB more (measured with an empty main()), and most processes load no ONNX file.
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
