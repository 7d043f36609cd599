#include "server/dispatch.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <random>

#include <fmt/format.h>

#include "base/log.h"
#include "server/kserve_json.h"
#include "server/request_target.h"
#include "server/route_table.h"

namespace vivace {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// A sane x-request-id of the client, else a new one.
std::string choose_request_id(std::string_view proposed) {
  if (!proposed.empty() && proposed.size() <= kMaxRequestIdBytes && std::ranges::all_of(proposed, is_id_character)) {
    return std::string(proposed);
  }
  // Unique within the process by the counter, between processes by the random start.
  static std::atomic<uint64_t> counter{(uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
  return fmt::format("req-{:016x}", counter.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15U);
}

// "application/json; charset=utf-8" is JSON, and so is "application/problem+json". Without a type we take JSON.
bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return type.empty() || equal_ignoring_case(type, "application/json") || type.ends_with("+json");
}

// In a time that does not depend on where the first difference is.
bool equal_secrets(std::string_view given, std::string_view expected) {
  unsigned difference = given.size() == expected.size() ? 0U : 1U;
  for (size_t i = 0; i < given.size(); ++i) {
    const char c = expected.empty() ? '\0' : expected[i % expected.size()];
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(c);
  }
  return difference == 0;
}

bool has_key(std::string_view authorization, std::string_view key) {
  constexpr std::string_view kScheme = "bearer ";
  return authorization.size() > kScheme.size() &&
         equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme) &&
         equal_secrets(authorization.substr(kScheme.size()), key);
}

ApiResult<std::chrono::milliseconds> read_timeout(std::string_view text, const ServerConfig& config) {
  if (text.empty()) return std::chrono::milliseconds(static_cast<int64_t>(config.request_timeout_seconds * 1000));
  const auto longest = static_cast<int64_t>(config.max_request_timeout_seconds * 1000);
  int64_t timeout = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), timeout);
  if (code != std::errc() || end != text.data() + text.size() || timeout < 1 || timeout > longest) {
    return std::unexpected(ApiError(StatusCode::kInvalidArgument,
                                    fmt::format("Request-Timeout-Ms: expected a whole number from 1 to {}", longest)));
  }
  return std::chrono::milliseconds(timeout);
}

// KServe's Inference-Header-Content-Length, where the route's bodies may have bytes behind their JSON.
ApiResult<std::optional<size_t>> read_json_bytes(const RequestHead& head, const Route& route) {
  if (!route.doc.takes_binary || head.json_bytes.empty()) return std::optional<size_t>();
  size_t count = 0;
  const char* const last = head.json_bytes.data() + head.json_bytes.size();
  const auto [end, code] = std::from_chars(head.json_bytes.data(), last, count);
  if (code == std::errc() && end == last) return count;
  return std::unexpected(ApiError(StatusCode::kInvalidArgument,
                                  "Inference-Header-Content-Length: expected how many bytes of the body are JSON"));
}

// What a body must be before it is worth reading.
std::optional<ApiError> check_body_head(const RequestHead& head, const Route& route) {
  if (!head.has_body_length) {
    return http_error(411, "length_required", "the request has no body; send one with Content-Length or chunked");
  }
  const bool is_binary = route.doc.takes_binary && equal_ignoring_case(head.content_type, kOctetStream);
  if (!is_binary && !is_json(head.content_type)) {
    return http_error(415, "unsupported_media_type", "the body must be JSON; send 'Content-Type: application/json'");
  }
  if (!head.content_encoding.empty() && !equal_ignoring_case(head.content_encoding, "identity")) {
    return http_error(415, "unsupported_encoding", "the body must not be compressed; send it without Content-Encoding");
  }
  return std::nullopt;
}

// Whether the key, where one is asked for, is right. A tenant's key says whose data the request sees.
bool check_key(const RequestHead& head, const Route& route, const ServerContext& server, HttpRequest* request) {
  if (route.access != Access::kKey) return true;
  const bool has_tenants = route.family == ApiFamily::kClaims && !server.tenant_keys.empty();
  if (has_tenants) {
    for (const TenantKey& key : server.tenant_keys) {
      if (has_key(head.authorization, key.key)) request->tenant = key.tenant;
    }
    if (!request->tenant.empty()) return true;
  }
  if (server.config.api_key.empty() && has_tenants) return false;
  return shows_api_key(head.authorization, server.config);
}

std::optional<ApiError> check_admission(const RequestHead& head, const Route& route, const ServerContext& server,
                                        HttpRequest* request) {
  if (!check_key(head, route, server, request)) {
    return http_error(401, "invalid_api_key", "the API key is missing or wrong; send 'Authorization: Bearer KEY'");
  }
  if (route.access == Access::kAdmin) {
    if (server.config.admin_key.empty()) {
      // Who shows no key is told to, as everywhere.
      const int status = head.authorization.empty() ? 401 : 403;
      return http_error(status, "admin_disabled", "this route needs an admin_key in the server's configuration");
    }
    if (!has_key(head.authorization, server.config.admin_key)) {
      return http_error(401, "invalid_admin_key",
                        "the admin key is missing or wrong; send 'Authorization: Bearer KEY'");
    }
  }
  if (route.method == Method::kPost && !route.doc.request_schema.empty()) return check_body_head(head, route);
  return std::nullopt;
}

// What the head says beside the target, or the first thing that is wrong with it.
std::optional<ApiError> read_head(const RequestHead& head, const Route& route, const ServerContext& server,
                                  Admission* admission) {
  if (auto problem = check_admission(head, route, server, &admission->request)) return problem;
  const auto json_bytes = read_json_bytes(head, route);
  if (!json_bytes) return json_bytes.error();
  admission->request.json_bytes = *json_bytes;
  const auto timeout = read_timeout(head.request_timeout_ms, server.config);
  if (!timeout) return timeout.error();
  admission->timeout = *timeout;
  return std::nullopt;
}

void answer_error(const ApiError& error, Admission* admission) {
  admission->route = nullptr;
  admission->answer = error_response(admission->family, error, admission->request.id);
  if (admission->answer.status == 401) admission->answer.headers.emplace_back("www-authenticate", "Bearer");
}

void answer_without_handler(const RequestHead& head, const RouteMatch& match, Admission* admission) {
  if (head.method == Method::kOptions) {
    admission->answer.status = 204;
  } else {
    answer_error(
        http_error(405, "method_not_allowed", fmt::format("{} takes only {}", admission->request.path, match.allow)),
        admission);
  }
  admission->answer.headers.emplace_back("allow", match.allow);
}

boost::asio::awaitable<Reply> run(const Route& route, RequestContext& context) {
  if (const auto* waiting = std::get_if<WaitingHandler>(&route.handler)) co_return co_await (*waiting)(context);
  co_return std::get<ImmediateHandler>(route.handler)(context);
}

}  // namespace

bool shows_api_key(std::string_view authorization, const ServerConfig& config) {
  return config.api_key.empty() || has_key(authorization, config.api_key);
}

Admission admit(const RequestHead& head, const ServerContext& server) {
  Admission admission;
  admission.route_index = server.routes.size();
  admission.request.method = head.method;
  admission.request.id = choose_request_id(head.request_id);
  // Before anything can be refused, so that every refusal has the form that its client reads.
  admission.family = family_of_path(std::string_view(head.target).substr(0, head.target.find('?')));
  auto path = parse_request_target(head.target);
  if (!path) {
    answer_error(std::move(path).error(), &admission);
    return admission;
  }
  admission.request.path = std::move(*path);
  auto query = parse_query(head.target);
  if (!query) {
    answer_error(std::move(query).error(), &admission);
    return admission;
  }
  admission.request.query = std::move(*query);
  if (admission.request.path == "*" && head.method == Method::kOptions) {
    admission.answer.status = 204;
    admission.answer.headers.emplace_back("allow", "GET, HEAD, POST, DELETE, OPTIONS");
    return admission;
  }
  auto match = match_route(server.routes, head.method, admission.request.path);
  if (!match) {
    answer_error(http_error(404, "route_not_found", "there is no such route; GET /openapi.json lists them all"),
                 &admission);
    return admission;
  }
  admission.family = match->route->family;
  admission.route_index = static_cast<size_t>(match->route - server.routes.data());
  admission.request.path_argument = std::move(match->argument);
  if (!match->method_allowed) {
    answer_without_handler(head, *match, &admission);
    return admission;
  }
  admission.route = match->route;
  if (const auto problem = read_head(head, *match->route, server, &admission)) answer_error(*problem, &admission);
  return admission;
}

boost::asio::awaitable<HttpResponse> handle(const Admission& admission, ServerContext& server, std::stop_token cancel) {
  RequestContext context{.request = admission.request,
                         .server = server,
                         .deadline = std::chrono::steady_clock::now() + admission.timeout,
                         .cancel = std::move(cancel)};
  try {
    Reply reply = co_await run(*admission.route, context);
    if (reply) co_return std::move(*reply);
    co_return error_response(admission.family, reply.error(), admission.request.id);
  } catch (const std::exception& exception) {
    log_error("{} {}: {}", admission.request.id, admission.request.path, exception.what());
  }
  co_return error_response(admission.family, ApiError(StatusCode::kInternal, "the server failed; its log says why"),
                           admission.request.id);
}

}  // namespace vivace
