// What the program asks of an ONNX engine. Implemented in a shared module (openvino/openvino_session.cc) that is opened
// when a process first loads an ONNX file; a test may implement it too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace vivace {

struct OnnxPort {
  std::string name;
  std::string element;        // "f32", "i64", "i32", …
  bool has_rank = true;       // false: any number of dimensions
  std::vector<int64_t> dims;  // -1: any size
};

struct OnnxSessionOptions {
  std::string path;
  int threads = 1;
};

// One run's inputs: for each of inputs(), in order, [sequences, tokens] numbers.
struct OnnxFeed {
  int sequences = 0;
  int tokens = 0;
  std::vector<std::vector<int64_t>> values;
};

struct OnnxTensor {
  const float* data = nullptr;
  std::vector<int64_t> dims;
};

// Called with a result that lives until the call returns.
using OnnxTaker = std::function<void(const OnnxTensor& result)>;

// Immutable; thread-safe.
class OnnxSession {
 public:
  virtual ~OnnxSession() = default;
  virtual const std::vector<OnnxPort>& inputs() const = 0;
  virtual const std::vector<OnnxPort>& outputs() const = 0;
  // Rows of the table that the input's numbers pick rows of; 0: not known.
  virtual int64_t table_rows(size_t input) const = 0;
  // Computes one of outputs(), converted to f32. kInternal with the engine's message when it fails.
  virtual Result<void> run(const OnnxFeed& feed, size_t output, const OnnxTaker& take) const = 0;
};

using OnnxSessionResult = Result<std::unique_ptr<const OnnxSession>>;

// The one symbol of the module. kUnsupported with the engine's message when it cannot read the file.
inline constexpr const char* kOpenOnnxSessionSymbol = "vivace_open_onnx_session";
using OpenOnnxSession = void (*)(const OnnxSessionOptions* options, OnnxSessionResult* result);

}  // namespace vivace
