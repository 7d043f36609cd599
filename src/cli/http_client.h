// Fetches one address over HTTP/1.1: TLS with certificate and host name checked, redirects, time-outs, size limits.
// Used by `vivace pull` only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

struct HttpGet {
  std::string url;
  std::string token;            // sent as "Authorization: Bearer …", to the first address's origin only
  uint64_t offset = 0;          // ask for the bytes from here on
  uint64_t max_body_bytes = 0;  // kTooLarge beyond
};

// What the answer said, redirects included: the x-… headers and the etag are those of the first hop that has them,
// since the content network behind a hub knows nothing of them.
struct HttpHead {
  int status = 0;
  std::string error_message;            // x-error-message: why a hub refused
  std::string etag;                     // without quotes and W/
  std::string linked_etag;              // x-linked-etag: SHA-256 of a large file
  std::optional<uint64_t> linked_size;  // x-linked-size
  std::optional<uint64_t> content_length;
  uint64_t content_begin = 0;  // position of the body's first byte in the file; 0 unless status is 206
};

// Called in this order on the caller's thread: on_head once for a 200 or 206, then on_data for each piece of the body.
struct HttpReceiver {
  std::function<Result<void>(const HttpHead&)> on_head;
  std::function<Result<void>(std::string_view)> on_data;
};

// The last answer's head, whatever its status. kUnavailable when the host cannot be reached, its certificate does not
// convince, or the connection breaks; kTooLarge over limits; errors of the receiver as they are.
Result<HttpHead> http_get(const HttpGet& get, const HttpReceiver& receiver);

}  // namespace vivace
