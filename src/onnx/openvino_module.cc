#include "onnx/openvino_module.h"

#include "base/program_module.h"

namespace vivace {

Result<OpenOnnxSession> open_onnx_module(const std::string& path) {
  const ProgramModule module = {
      .path = path,
      .symbol = kOpenOnnxSessionSymbol,
      .needed_for = "ONNX files need OpenVINO",
      .what_to_do =
          "install the Python package of tools/requirements-test.txt that is called openvino into .venv "
          "(`make deps`) and build again"};
  ASSIGN_OR_RETURN(void* const symbol, open_program_module(module));
  return reinterpret_cast<OpenOnnxSession>(symbol);
}

Result<OpenOnnxSession> open_openvino_module() {
  static const Result<OpenOnnxSession> opened = open_onnx_module(program_module_path(kOpenVinoModuleName));
  return opened;
}

}  // namespace vivace
