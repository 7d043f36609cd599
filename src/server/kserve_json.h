// The open inference protocol's REST bodies: JSON, and with the binary extension JSON followed by tensors' bytes.
// https://github.com/kserve/open-inference-protocol, and Triton's extension_binary_data.
//
// Fields that we do not know are ignored.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/json_fields.h"
#include "server/kserve_message.h"

namespace vivace {

// Says in a request and an answer how much of the body is JSON; bytes of tensors follow.
inline constexpr std::string_view kJsonBytesHeader = "inference-header-content-length";
inline constexpr std::string_view kOctetStream = "application/octet-stream";

struct KserveRestRequest {
  KserveRequest request;                            // without the model, which stands in the path
  bool binary_by_default = false;                   // parameter binary_data_output
  std::map<std::string, bool, std::less<>> binary;  // of an output: whether its values are wanted as bytes

  bool wants_binary(std::string_view output) const;
};

// json_bytes: how much of the body is JSON, as Inference-Header-Content-Length says; without it all is.
ApiResult<KserveRestRequest> parse_kserve_request(std::string_view body, std::optional<size_t> json_bytes,
                                                  const TextLimits& limits);

// The body, and how much of it is JSON where bytes follow.
struct KserveBody {
  std::string text;
  std::optional<size_t> json_bytes;
};
KserveBody write_kserve_response(const KserveRestRequest& asked, const KserveResponse& response);

std::string write_kserve_metadata(const KserveModelMetadata& metadata);

}  // namespace vivace
