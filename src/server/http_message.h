// A request as handlers see it and an answer as they give it: plain structs without any HTTP library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vivace {

class BodyStream;

enum class Method { kGet, kHead, kPost, kDelete, kOptions, kOther };

// The API family that a route belongs to: its clients expect errors in its own shape.
// kDetail: {"detail":…} with 422 for what is wrong with a request, as FastAPI's servers answer.
enum class ApiFamily { kOpenAi, kTei, kCohere, kKserve, kDetail, kVivace, kClaims };

struct HttpRequest {
  Method method = Method::kOther;
  std::string path;                                        // percent-decoded, valid UTF-8
  std::string path_argument;                               // what {…} in the route's path stands for
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded, in the order of the target
  std::string client;                                      // the other end's address, without its port
  std::string tenant;                                      // that the API key stands for; empty: any
  std::string body;
  std::optional<size_t> json_bytes;  // how much of the body is JSON, where bytes of tensors follow
  std::string id;                    // x-request-id, the client's own or a new one
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;  // names in lower case
  std::shared_ptr<BodyStream> stream;  // the body instead, sent piece by piece as it is made (server/body_stream.h)
  std::string server_timing;           // "queue;dur=0.1, compute;dur=2.5"; the total is added by the connection
};

// "GET", as it stands in a request; "none" for kOther.
std::string_view method_name(Method method);

// "Not Found" for 404.
std::string_view http_reason(int status);

}  // namespace vivace
