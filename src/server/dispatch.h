// From a request's head to its route, and from a handler's reply to a response: everything between the bytes of a
// connection and the handlers, without sockets.
#pragma once

#include <utility>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "server/route.h"

namespace vivace {

// The fields of a request's head that decide what happens to it. Views into the parsed message.
struct RequestHead {
  Method method = Method::kOther;
  std::string_view target;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view json_bytes;  // KServe's Inference-Header-Content-Length
  std::string_view authorization;
  std::string_view request_timeout_ms;
  std::string_view request_id;
  bool has_body_length = false;  // Content-Length or chunked
};

// What the head alone decides: the route, or the answer that makes reading the body pointless.
struct Admission {
  HttpRequest request;  // body empty
  ApiFamily family = ApiFamily::kVivace;
  size_t route_index = 0;        // routes.size() when none fits
  const Route* route = nullptr;  // nullptr: `answer` is the response
  HttpResponse answer;
  std::chrono::milliseconds timeout{0};  // to answer, from the end of the body on
};
Admission admit(const RequestHead& head, const ServerContext& server);

// Whether an Authorization field shows the API key, where one is configured.
bool shows_api_key(std::string_view authorization, const ServerConfig& config);

// Runs the route's handler. Errors come back in the family's shape; an exception is a bug, logged and answered with
// 500.
boost::asio::awaitable<HttpResponse> handle(const Admission& admission, ServerContext& server, std::stop_token cancel);

}  // namespace vivace
