#include "server/routes_impact.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <span>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "apps/impact/evaluation_json.h"
#include "apps/impact/impact_json.h"
#include "apps/impact/impact_service.h"
#include "apps/impact/registry_backend.h"
#include "server/await_worker.h"
#include "server/impact_requests.h"
#include "server/impact_schemas.h"
#include "server/json_fields.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

RequestLimits limits_of(const RequestContext& context) {
  RequestLimits limits;
  limits.deadline = context.deadline;
  limits.cancel = context.cancel;
  return limits;
}

// A request that waited too long for its turn is not begun.
ApiResult<void> check_deadline(const RequestContext& context) {
  if (context.cancel.stop_requested()) return std::unexpected(ApiError(StatusCode::kCancelled, "the client went away"));
  if (Clock::now() < context.deadline) return {};
  return std::unexpected(ApiError(StatusCode::kDeadlineExceeded, "the request's time is over"));
}

HttpResponse json_response(JsonWriter* json) {
  HttpResponse response;
  response.body = json->take();
  return response;
}

// What scores alone would hide, each where it is so of one of them.
void write_caveats(std::span<const ImpactAnalysis> analyses, JsonWriter* json) {
  if (std::ranges::any_of(analyses, &ImpactAnalysis::degraded)) json->key("degraded").value(true);
  if (std::ranges::any_of(analyses, &ImpactAnalysis::truncated)) json->key("truncated").value(true);
}

void write_full_score(const ImpactAnalysis& analysis, JsonWriter* json) {
  json->key("impact_score").value(analysis.score);
  write_analysis(analysis, json);
}

Reply score_now(const RequestContext& context) {
  const auto start = Clock::now();
  if (const auto alive = check_deadline(context); !alive) return std::unexpected(alive.error());
  const auto scorer = context.server.impact->scorer();
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const auto call = read_score_call(body->root(), scorer->config().text_fields);
  if (!call) return std::unexpected(call.error());
  const auto analysis = scorer->score(call->requests.front(), call->use_model, limits_of(context));
  if (!analysis) return std::unexpected(ApiError(analysis.error()));
  JsonWriter json;
  json.begin_object();
  if (call->score_only) {
    json.key("impact_score").value(analysis->score);
    write_caveats({&*analysis, 1}, &json);
  } else {
    write_full_score(*analysis, &json);
  }
  json.key("processing_time_ms").value(milliseconds_since(start)).end_object();
  return json_response(&json);
}

Reply batch_now(const RequestContext& context) {
  const auto start = Clock::now();
  if (const auto alive = check_deadline(context); !alive) return std::unexpected(alive.error());
  const auto scorer = context.server.impact->scorer();
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const auto call = read_batch_call(body->root(), scorer->config().text_fields);
  if (!call) return std::unexpected(call.error());
  const auto analyses = scorer->score_batch(call->requests, call->use_model, limits_of(context));
  if (!analyses) return std::unexpected(ApiError(analyses.error()));
  JsonWriter json;
  json.begin_object().key("scores").begin_array();
  for (const ImpactAnalysis& analysis : *analyses) json.value(analysis.score);
  json.end_array();
  if (call->score_only) {
    write_caveats(*analyses, &json);
  } else {
    json.key("results").begin_array();
    for (const ImpactAnalysis& analysis : *analyses) {
      json.begin_object();
      write_full_score(analysis, &json);
      json.end_object();
    }
    json.end_array();
  }
  json.key("count").value(uint64_t{analyses->size()});
  json.key("processing_time_ms").value(milliseconds_since(start)).end_object();
  return json_response(&json);
}

void write_decision(const RoutingDecision& decision, double processing_ms, JsonWriter* json) {
  json->key("decision_id").value(decision.id).key("lane").value(lane_name(decision.lane));
  json->key("impact_score").value(decision.impact_score);
  json->key("decision_timestamp").value(fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr))));
  json->key("requires_deliberation").value(decision.lane == Lane::kDeliberation);
  if (decision.forced) {
    json->key("forced").value(true).key("force_reason").value(decision.force_reason);
  } else {
    json->key("intent_type").value(intent_name(decision.intent));
    json->key("dynamic_threshold").value(decision.dynamic_threshold);
  }
  if (decision.lane == Lane::kFast) {
    json->key("processing_time").value(processing_ms / 1000).key("fast_path_enabled").value(true);
  } else {
    json->key("estimated_wait_time").value(decision.estimated_wait_seconds);
    json->key("opa_enforced").value(decision.opa_enforced);
  }
}

Reply route_now(const RequestContext& context) {
  const auto start = Clock::now();
  if (const auto alive = check_deadline(context); !alive) return std::unexpected(alive.error());
  const auto scorer = context.server.impact->scorer();
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const auto call = read_route_call(body->root(), scorer->config().text_fields);
  if (!call) return std::unexpected(call.error());
  const ScoreRequest& request = call->score.requests.front();
  std::optional<ImpactAnalysis> analysis;
  if (call->impact_score) {
    if (const auto right = scorer->check_hashes(call->score.requests); !right) {
      return std::unexpected(ApiError(right.error()));
    }
  } else {
    auto scored = scorer->score(request, call->score.use_model, limits_of(context));
    if (!scored) return std::unexpected(ApiError(std::move(scored).error()));
    analysis = std::move(*scored);
  }
  AdaptiveRouter& router = context.server.impact->router();
  const double score = call->impact_score ? *call->impact_score : analysis->score;
  const RoutingDecision decision = call->force ? router.force_deliberation(call->force_reason)
                                               : router.route(score, request.message.printed_content);
  JsonWriter json;
  json.begin_object();
  write_decision(decision, milliseconds_since(start), &json);
  if (analysis) {
    json.key("analysis").begin_object();
    write_analysis(*analysis, &json);
    json.end_object();
  }
  json.end_object();
  return json_response(&json);
}

Reply show_threshold(double threshold) {
  JsonWriter json;
  json.begin_object().key("impact_threshold").value(threshold).end_object();
  return json_response(&json);
}

// What became of a decision; the router learns from it.
Reply report_outcome(const RequestContext& context) {
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const auto call = read_outcome_call(body->root());
  if (!call) return std::unexpected(call.error());
  AdaptiveRouter& router = context.server.impact->router();
  if (const auto told = router.report_outcome(call->decision_id, call->outcome, call->feedback); !told) {
    return std::unexpected(ApiError(told.error()));
  }
  return show_threshold(router.learn_threshold());
}

Reply set_threshold(const RequestContext& context) {
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const auto threshold = read_threshold_call(body->root());
  if (!threshold) return std::unexpected(threshold.error());
  AdaptiveRouter& router = context.server.impact->router();
  router.set_impact_threshold(*threshold);
  return show_threshold(router.impact_threshold());
}

void write_backends(const ScorerStatus& status, JsonWriter* json) {
  json->key("backends").begin_array();
  for (const BackendStatus& backend : status.backends) {
    json->begin_object().key("name").value(backend.name).key("calls").value(backend.calls);
    json->key("failures").value(backend.failures);
    if (!backend.last_error.empty()) json->key("last_error").value(backend.last_error);
    json->key("cache").begin_object().key("hits").value(backend.cache.hits).key("misses").value(backend.cache.misses);
    json->key("entries").value(uint64_t{backend.cache.entries}).key("bytes").value(uint64_t{backend.cache.bytes});
    json->key("capacity_bytes").value(uint64_t{backend.cache.capacity_bytes}).end_object().end_object();
  }
  json->end_array();
}

Reply show_status(const RequestContext& context) {
  const auto scorer = context.server.impact->scorer();
  const ScorerStatus status = scorer->status();
  const RouterStatus router = context.server.impact->router().status();
  JsonWriter json;
  json.begin_object();
  const std::string model = first_served(context.server.models, {"impact", "embedder"});
  json.key("model");
  model.empty() ? json.null() : json.value(model);
  json.key("model_loaded").value(context.server.models.is_loaded(model));
  write_backends(status, &json);
  json.key("agents").begin_object().key("remembered").value(uint64_t{status.agents});
  json.key("forgotten").value(uint64_t{status.forgotten_agents});
  json.key("limit").value(scorer->config().max_agents).end_object();
  json.key("refused_hashes").value(status.refused_hashes);
  json.key("thresholds").begin_object().key("deliberation").value(scorer->config().deliberation_threshold);
  json.key("review").value(scorer->config().review_threshold);
  json.key("router").value(router.impact_threshold).end_object();
  json.key("routed").begin_object().key("fast").value(router.fast).key("deliberation").value(router.deliberated);
  json.key("forced").value(router.forced).key("remembered").value(uint64_t{router.remembered}).end_object();
  json.key("constitutional_hash").value(scorer->config().constitutional_hash).end_object();
  return json_response(&json);
}

Reply validate_now(const RequestContext& context) {
  if (const auto alive = check_deadline(context); !alive) return std::unexpected(alive.error());
  const ServerContext& server = context.server;
  const auto body = parse_body(context.request.body);
  if (!body) return std::unexpected(body.error());
  const ScoringConfig config = server.impact->scorer()->config();
  const auto messages = read_validate_call(body->root(), config.text_fields);
  if (!messages) return std::unexpected(messages.error());
  SemanticBackend backend = server.impact->backend();
  // Everything is asked within this request's own limits.
  backend.embed = [embed = std::move(backend.embed), limits = limits_of(context)](
                      const std::vector<std::string>& texts, const RequestLimits&) { return embed(texts, limits); };
  const auto validation = validate_model(config, backend, *messages);
  if (!validation) return std::unexpected(ApiError(validation.error()));
  JsonWriter json;
  json.begin_object();
  write_validation(*validation, backend.gates, &json);
  json.end_object();
  return json_response(&json);
}

Route operation(Method method, std::string_view path, std::variant<ImmediateHandler, WaitingHandler> handler,
                OperationDoc doc) {
  return {.method = method,
          .path = path,
          .family = ApiFamily::kVivace,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

// What holds for everybody's messages is not for everybody to change.
Route admin_operation(std::string_view path, ImmediateHandler handler, OperationDoc doc) {
  Route route = operation(Method::kPost, path, handler, std::move(doc));
  route.access = Access::kAdmin;
  return route;
}

const std::vector<int> kErrors = {400, 408, 411, 413, 415, 429, 500, 503, 504};

}  // namespace

RouteGroup impact_routes() {
  return {{operation(Method::kPost, "/api/v1/impact/score", aside<score_now>,
                     {.id = "scoreImpact",
                      .summary = "The impact of one message: score, seven factors and why",
                      .request_schema = "ImpactScoreRequest",
                      .response_schema = "ImpactAnalysis",
                      .errors = kErrors}),
           operation(Method::kPost, "/api/v1/impact/batch", aside<batch_now>,
                     {.id = "scoreImpactBatch",
                      .summary = "The same for up to 1000 messages, in order",
                      .request_schema = "ImpactBatchRequest",
                      .response_schema = "ImpactBatchResponse",
                      .errors = kErrors}),
           operation(Method::kPost, "/api/v1/impact/validate", aside<validate_now>,
                     {.id = "validateImpact",
                      .summary = "Agreement of model and keywords on labelled messages",
                      .request_schema = "ImpactValidateRequest",
                      .response_schema = "ImpactValidation",
                      .errors = kErrors}),
           operation(Method::kGet, "/api/v1/impact/status", show_status,
                     {.id = "impactStatus",
                      .summary = "Backends, caches, thresholds and counts of impact scoring",
                      .response_schema = "ImpactStatus"}),
           operation(Method::kPost, "/api/v1/route", aside<route_now>,
                     {.id = "routeMessage",
                      .summary = "The lane that a message takes: fast, or through deliberation",
                      .request_schema = "RouteRequest",
                      .response_schema = "RoutingDecision",
                      .errors = kErrors}),
           operation(Method::kPost, "/api/v1/route/outcome", report_outcome,
                     {.id = "reportOutcome",
                      .summary = "What became of a decision; the router's threshold learns from it",
                      .request_schema = "RouteOutcome",
                      .response_schema = "RouteThreshold",
                      .errors = {400, 404, 408, 411, 413, 415, 500}}),
           admin_operation("/api/v1/route/threshold", set_threshold,
                           {.id = "setRouteThreshold",
                            .summary = "Sets the router's threshold until it learns another or the server ends",
                            .request_schema = "RouteThresholdRequest",
                            .response_schema = "RouteThreshold",
                            .errors = {400, 401, 403, 408, 411, 413, 415, 500}})},
          impact_schemas};
}

}  // namespace vivace
