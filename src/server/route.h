// What a route is, and what its handler gets. A route is registered by one line in route_table.cc; its path, method,
// documentation and handler stand together in routes_<topic>.cc, and /openapi.json is made from them.
#pragma once

#include <utility>  // Asio 1.81 forgets it

#include <atomic>
#include <chrono>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "runtime/model_registry.h"
#include "server/error_table.h"
#include "server/http_message.h"
#include "server/server_config.h"
#include "server/server_stats.h"
#include "server/tenant_keys.h"

namespace vivace {

struct Route;
class CompletionService;
class DetectionService;
class GrpcFront;
class ImpactService;
class WorkerPool;
struct ClaimsContext;

// What all requests share. Thread-safe.
struct ServerContext {
  const ServerConfig& config;
  ModelRegistry& models;
  std::span<const Route> routes;
  DetectionService* detection = nullptr;  // of a running server always there
  ServerStats stats{};
  std::atomic<bool> draining{false};
  ClaimsContext* claims = nullptr;  // of claim verification
  std::vector<TenantKey> tenant_keys{};
  CompletionService* completion = nullptr;
  WorkerPool* workers = nullptr;  // for handlers that block
  ImpactService* impact = nullptr;
  GrpcFront* grpc = nullptr;
};

struct RequestContext {
  const HttpRequest& request;
  ServerContext& server;
  std::chrono::steady_clock::time_point deadline;
  std::stop_token cancel;  // the client went away
};

using Reply = ApiResult<HttpResponse>;
// Handlers that wait for an engine are coroutines on the connection's executor; the others answer at once.
using ImmediateHandler = Reply (*)(const RequestContext& context);
using WaitingHandler = boost::asio::awaitable<Reply> (*)(RequestContext& context);

// kKey: needs the API key, where one is configured. kAdmin: needs the admin key, and is closed without one.
enum class Access { kPublic, kKey, kAdmin };

// A parameter behind the path's '?'.
struct QueryDoc {
  std::string_view name;
  std::string_view schema;  // JSON
  bool required = false;
};

// An operation of /openapi.json. Schemas are names of components.
struct OperationDoc {
  std::string_view id;
  std::string_view summary;
  std::string_view request_schema{};   // empty: no body
  std::string_view response_schema{};  // empty: text
  std::string_view response_type = "application/json";
  std::string_view stream_type{};  // of a 200 answer that is sent in pieces when the request asks for that
  std::vector<int> errors{};
  std::string_view unready_schema{};   // of the 503 answer where it is no error body
  std::string_view accepted_schema{};  // of a 202 answer beside the usual one
  int success = 200;
  std::vector<QueryDoc> query{};
  bool takes_binary = false;  // JSON that bytes of tensors follow, as application/octet-stream
  std::string_view path_schema = R"({"type":"string","minLength":1})";  // of the path's {name}
};

struct Route {
  Method method;
  std::string_view path;  // may have one "{name}"
  ApiFamily family;
  Access access;
  std::variant<ImmediateHandler, WaitingHandler> handler;
  OperationDoc doc;
};

// What schemas depend on.
struct ApiFacts {
  size_t max_texts = 0;
  int max_dimensions = 0;  // of any model; 0: not known yet
  size_t detection_max_sentences = 0;
  size_t detection_max_job_sentences = 0;
  size_t detection_max_words = 0;
  std::vector<std::string> prompt_names;  // of any model
  bool knows_prompts = true;              // false while a model is not loaded
};

struct Schema {
  std::string_view name;
  std::string json;
};

// Routes of one topic and the schemas that they name.
struct RouteGroup {
  std::vector<Route> routes;
  std::vector<Schema> (*schemas)(const ApiFacts& facts);
};

}  // namespace vivace
