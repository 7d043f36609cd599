// Requests and answers of the open inference protocol (KServe's, version 2) as plain structs: what its REST routes and
// its gRPC service have in common. https://github.com/kserve/open-inference-protocol
//
// Only headers of base are included: the gRPC module (server/grpc_module.h) links nothing of ours.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace vivace {

using KserveParameter = std::variant<bool, int64_t, double, std::string>;
using KserveParameters = std::map<std::string, KserveParameter, std::less<>>;

// Of one request.
inline constexpr size_t kMaxKserveTensors = 16;  // inputs, and outputs
inline constexpr size_t kMaxKserveDimensions = 8;
inline constexpr size_t kMaxKserveNameBytes = 256;

inline constexpr std::string_view kKserveServerName = "vivace";
// Our models have one version each.
inline constexpr std::string_view kKserveVersion = "1";
// An answer's parameter: how many of the request's texts were longer than the model takes and were cut.
inline constexpr std::string_view kTruncatedTexts = "truncated_texts";

// A tensor of texts, the only datatype (BYTES) that models here read. Row-major.
struct KserveInput {
  std::string name;
  std::vector<int64_t> shape;      // its product is texts.size()
  std::vector<std::string> texts;  // non-empty valid UTF-8
  KserveParameters parameters;
};

struct KserveWantedOutput {
  std::string name;
  KserveParameters parameters;
};

struct KserveRequest {
  std::string model;  // empty: the default one
  std::string version;
  std::string id;
  KserveParameters parameters;
  std::vector<KserveInput> inputs;
  std::vector<KserveWantedOutput> outputs;  // empty: all
};

// Row-major; the datatype is that of the values.
struct KserveOutput {
  using Floats = std::vector<float>;       // FP32
  using Flags = std::vector<uint8_t>;      // BOOL: 0 or 1
  using Texts = std::vector<std::string>;  // BYTES

  std::string name;
  std::vector<int64_t> shape;
  std::variant<Floats, Flags, Texts> values;

  std::string_view datatype() const {
    if (std::holds_alternative<Floats>(values)) return "FP32";
    return std::holds_alternative<Flags>(values) ? "BOOL" : "BYTES";
  }
};

struct KserveResponse {
  std::string model;
  std::string id;  // the request's
  KserveParameters parameters;
  std::vector<KserveOutput> outputs;
};

// A tensor of a model's signature; -1 in a shape stands for any length.
struct KservePort {
  std::string name;
  std::string datatype;
  std::vector<int64_t> shape;
  bool is_optional = false;
};

struct KserveModelMetadata {
  std::string name;
  std::string platform;
  std::vector<KservePort> inputs;
  std::vector<KservePort> outputs;
  std::map<std::string, std::string> properties;  // "task", "labels" (a JSON list), …
};

}  // namespace vivace
