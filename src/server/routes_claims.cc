#include "server/routes_claims.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "server/await_worker.h"
#include "server/claims_context.h"
#include "server/claims_handlers.h"
#include "server/claims_schemas.h"
#include "server/metrics_dump.h"
#include "telemetry/prometheus.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

void add_rate_headers(const RateDecision& decision, HttpResponse* response) {
  if (decision.limit == 0) return;
  response->headers.emplace_back("x-ratelimit-limit", std::to_string(decision.limit));
  response->headers.emplace_back("x-ratelimit-remaining", std::to_string(decision.remaining));
  response->headers.emplace_back("x-ratelimit-reset", std::to_string(decision.reset_seconds));
}

HttpResponse too_many_requests(const RateDecision& decision, std::string_view request_id) {
  ApiError error(StatusCode::kOverloaded, fmt::format("more than {} requests of this kind in a minute; try again in "
                                                      "{} s",
                                                      decision.limit, decision.reset_seconds));
  error.code = "rate_limit_exceeded";
  HttpResponse response = error_response(ApiFamily::kClaims, error, request_id);
  response.headers.clear();
  response.headers.emplace_back("retry-after", std::to_string(decision.reset_seconds));
  add_rate_headers(decision, &response);
  return response;
}

// Failures of ours are told in the log; clients get one sentence.
Reply hide_failure(Reply reply, std::string_view request_id) {
  if (reply || http_status_of(reply.error()) != 500) return reply;
  log_error("{}: {}", request_id, reply.error().status.message);
  return std::unexpected(ApiError(StatusCode::kInternal, "an internal error occurred; the server's log says which"));
}

asio::awaitable<Reply> serve(RequestContext& context, std::string_view limit, ClaimsHandler handler) {
  if (context.server.claims == nullptr) {
    co_return std::unexpected(ApiError(StatusCode::kUnavailable, "claim verification is not set up here"));
  }
  ClaimsContext& claims = *context.server.claims;
  const auto start = std::chrono::steady_clock::now();
  const RateDecision decision = claims.limiter.take(limit, context.request.client, start);
  if (!decision.allowed) co_return too_many_requests(decision, context.request.id);
  std::function<Reply()> work = [&context, &claims, handler, start]() -> Reply {
    ClaimsCall call{.request = context.request,
                    .claims = claims.service,
                    .patience = {.deadline = context.deadline, .cancel = context.cancel},
                    .start = start};
    return hide_failure(handler(call), context.request.id);
  };
  Reply reply = co_await await_worker(claims.workers, context.deadline, std::move(work));
  if (!reply) reply = error_response(ApiFamily::kClaims, reply.error(), context.request.id);
  add_rate_headers(decision, &*reply);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  reply->headers.emplace_back("x-process-time", fmt::format("{:.6f}", seconds));
  co_return reply;
}

// A coroutine for each handler, as route tables hold plain functions.
template <const std::string_view& limit, ClaimsHandler handler>
asio::awaitable<Reply> route(RequestContext& context) {
  return serve(context, limit, handler);
}

constexpr std::string_view kVerify = "verify";
constexpr std::string_view kEmbed = "embed";
constexpr std::string_view kSearch = "search";
constexpr std::string_view kNli = "nli";
constexpr std::string_view kNliBatch = "nli_batch";
constexpr std::string_view kVerdict = "verdict";
constexpr std::string_view kClaims = "claims";
constexpr std::string_view kHealth = "health";
constexpr std::string_view kTasks = "tasks";
constexpr std::string_view kEvidence = "evidence";
constexpr std::string_view kDefault = "default";

Reply rate_limit_stats(const RequestContext& context) {
  JsonWriter json;
  json.begin_object().key("window_seconds").value(60).key("limits").begin_object();
  const ClaimsContext* claims = context.server.claims;
  for (const RateCounts& counts : claims == nullptr ? std::vector<RateCounts>() : claims->limiter.counts()) {
    json.key(counts.name).begin_object().key("limit_per_minute").value(counts.limit);
    json.key("allowed").value(counts.allowed).key("refused").value(counts.refused).end_object();
  }
  json.end_object().end_object();
  HttpResponse response;
  response.body = json.take();
  return response;
}

Reply metrics(const RequestContext& context) {
  HttpResponse response;
  response.content_type = kPrometheusContentType;
  response.body = dump_metrics(context.server);
  return response;
}

constexpr QueryDoc kTenant = {"tenant_id", R"({"type":"string","maxLength":50})"};

Route get(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  doc.errors.insert(doc.errors.end(), {422, 429, 500, 503, 504});
  // A key may be another tenant's.
  if (std::ranges::find(doc.query, kTenant.name, &QueryDoc::name) != doc.query.end()) doc.errors.push_back(403);
  return {.method = Method::kGet,
          .path = path,
          .family = ApiFamily::kClaims,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

Route post(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  doc.errors.insert(doc.errors.end(), {400, 403, 408, 411, 413, 415, 422, 429, 500, 503, 504});
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kClaims,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

constexpr std::string_view kUuid = R"({"type":"string","format":"uuid"})";

std::vector<Route> model_routes() {
  return {post("/api/v1/embed", route<kEmbed, claims_embed>,
               {.id = "claimsEmbed",
                .summary = "Vectors of texts by the model 'embedder'",
                .request_schema = "ClaimsEmbedRequest",
                .response_schema = "ClaimsEmbedResponse"}),
          post("/api/v1/search", route<kSearch, claims_search>,
               {.id = "searchEvidence",
                .summary = "Evidence by meaning, words or both",
                .request_schema = "SearchRequest",
                .response_schema = "SearchResponse"}),
          post("/api/v1/nli", route<kNli, claims_nli>,
               {.id = "nli",
                .summary = "Whether a premise entails a hypothesis",
                .request_schema = "NliRequest",
                .response_schema = "NliResponse"}),
          post("/api/v1/nli/batch", route<kNliBatch, claims_nli_batch>,
               {.id = "nliBatch",
                .summary = "The same for several pairs",
                .request_schema = "NliBatchRequest",
                .response_schema = "NliBatchResponse"}),
          post("/api/v1/evidence", route<kEvidence, claims_add_evidence>,
               {.id = "addEvidence",
                .summary = "Evidence into the store",
                .request_schema = "EvidenceRequest",
                .response_schema = "EvidenceResponse",
                .success = 201})};
}

std::vector<Route> claim_routes() {
  return {post("/api/v1/verify", route<kVerify, claims_verify>,
               {.id = "verifyClaim",
                .summary = "What the evidence says about a claim",
                .request_schema = "VerifyRequest",
                .response_schema = "VerifyResponse"}),
          get("/api/v1/verdict/{claim_id}", route<kVerdict, claims_verdict>,
              {.id = "getVerdict",
               .summary = "The newest verdict on a claim",
               .response_schema = "Verdict",
               .errors = {404},
               .query = {kTenant},
               .path_schema = kUuid}),
          post("/api/v1/claims", route<kClaims, claims_create>,
               {.id = "createClaim",
                .summary = "Keep a claim",
                .request_schema = "ClaimRequest",
                .response_schema = "Claim",
                .success = 201}),
          get("/api/v1/claims", route<kClaims, claims_list>,
              {.id = "listClaims",
               .summary = "Claims, the newest first",
               .response_schema = "ClaimList",
               .query = {{"skip", R"({"type":"integer","minimum":0,"maximum":2147483647,"default":0})"},
                         {"limit", R"({"type":"integer","minimum":1,"maximum":100,"default":20})"},
                         kTenant}}),
          get("/api/v1/claims/{claim_id}", route<kClaims, claims_get>,
              {.id = "getClaim",
               .summary = "One claim",
               .response_schema = "Claim",
               .errors = {404},
               .query = {kTenant},
               .path_schema = kUuid}),
          post("/api/v1/claims/{claim_id}/verify", route<kVerify, claims_verify_later>,
               {.id = "verifyClaimLater",
                .summary = "Verify a claim in the background",
                .request_schema = "VerifyLaterRequest",
                .response_schema = "TaskStatus",
                .success = 202}),
          get("/api/v1/verdicts/{claim_id}", route<kVerdict, claims_verdict_of_task>,
              {.id = "getVerdictOfTask",
               .summary = "The result of a claim's newest background verification; 202 until it is there",
               .response_schema = "TaskOutcome",
               .errors = {404},
               .accepted_schema = "TaskStatus",
               .query = {kTenant},
               .path_schema = kUuid}),
          get("/api/v1/tasks/{task_id}", route<kTasks, claims_task>,
              {.id = "getTask",
               .summary = "How far a background verification is",
               .response_schema = "TaskStatus",
               .errors = {404},
               .query = {kTenant},
               .path_schema = kUuid})};
}

std::vector<Route> status_routes() {
  return {
      get("/api/v1/health", route<kHealth, claims_health>,
          {.id = "servicesHealth", .summary = "Health of database and models", .response_schema = "ServicesHealth"}),
      get("/api/v1/health/detailed", route<kHealth, claims_health_detailed>,
          {.id = "servicesHealthDetailed",
           .summary = "The same in detail; 503 when something is missing",
           .response_schema = "ServicesHealth",
           .unready_schema = "ServicesHealth"}),
      get("/api/v1/metrics/list", route<kDefault, claims_metrics_list>,
          {.id = "listMetrics",
           .summary = "Names of the measurements that are kept",
           .response_schema = "MetricsList"}),
      get("/api/v1/metrics/overview", route<kDefault, claims_metrics_overview>,
          {.id = "metricsOverview",
           .summary = "Mean and percentiles of the last measurements",
           .response_schema = "MetricsOverview"}),
      get("/api/v1/metrics/timeseries", route<kDefault, claims_metrics_timeseries>,
          {.id = "metricsTimeseries",
           .summary = "The last values of a measurement",
           .response_schema = "MetricsTimeseries",
           .errors = {404},
           .query = {{"metric_name", R"({"type":"string"})", true},
                     {"duration_seconds", R"({"type":"integer","minimum":1,"maximum":86400,"default":3600})"}}})};
}

Route immediate(std::string_view path, ImmediateHandler handler, OperationDoc doc) {
  return {.method = Method::kGet,
          .path = path,
          .family = ApiFamily::kClaims,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

}  // namespace

RouteGroup claims_routes() {
  std::vector<Route> routes = model_routes();
  for (auto* more : {&claim_routes, &status_routes}) {
    std::vector<Route> some = (*more)();
    routes.insert(routes.end(), some.begin(), some.end());
  }
  routes.push_back(immediate(
      "/api/v1/metrics", metrics,
      {.id = "claimsMetrics", .summary = "Prometheus metrics, as /metrics", .response_type = kPrometheusContentType}));
  routes.push_back(immediate("/rate-limit-stats", rate_limit_stats,
                             {.id = "rateLimitStats",
                              .summary = "Limits of requests and how often they refused",
                              .response_schema = "RateLimitStats"}));
  return {std::move(routes), claims_schemas};
}

}  // namespace vivace
