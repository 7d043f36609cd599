// Claim verification: health of its parts and the last measurements.
#include <array>

#include <fmt/format.h>

#include "server/claims_handlers.h"
#include "server/iso_time.h"

namespace vivace {
namespace {

struct ServiceHealth {
  std::string_view name;
  std::string message;
  bool healthy = false;
  double latency_ms = 0;
};

template <typename Check>
ServiceHealth look_at(std::string_view name, Check&& check) {
  const auto start = std::chrono::steady_clock::now();
  const Result<void> done = check();
  ServiceHealth health{.name = name, .message = done ? "ok" : done.error().message, .healthy = done.has_value()};
  health.latency_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return health;
}

std::array<ServiceHealth, 3> look_at_services(ClaimsCall& call) {
  return {look_at("database",
                  [&]() -> Result<void> {
                    ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
                    RETURN_IF_ERROR(store->evidence_revision(kDefaultTenant));
                    return {};
                  }),
          look_at("embedding_service",
                  [&]() -> Result<void> {
                    RETURN_IF_ERROR(call.claims.model(kEmbedderRole));
                    return {};
                  }),
          look_at("nli_service", [&]() -> Result<void> {
            RETURN_IF_ERROR(call.claims.model(kEntailmentRole));
            return {};
          })};
}

void write_services(const std::array<ServiceHealth, 3>& services, JsonWriter* json) {
  json->key("services").begin_object();
  for (const ServiceHealth& service : services) {
    json->key(service.name).begin_object().key("status").value(service.healthy ? "healthy" : "unhealthy");
    json->key("message").value(service.message).key("latency_ms").value(service.latency_ms).end_object();
  }
  json->end_object();
}

bool all_healthy(const std::array<ServiceHealth, 3>& services) {
  return services[0].healthy && services[1].healthy && services[2].healthy;
}

void write_head(const std::array<ServiceHealth, 3>& services, std::string_view otherwise, JsonWriter* json) {
  json->begin_object().key("status").value(all_healthy(services) ? "healthy" : otherwise);
  json->key("timestamp").value(iso_time(std::chrono::system_clock::now()));
  write_services(services, json);
  json->key("version").value(VIVACE_VERSION);
}

}  // namespace

ClaimsReply claims_health(ClaimsCall& call) {
  const auto services = look_at_services(call);
  JsonWriter json;
  write_head(services, "degraded", &json);
  json.end_object();
  return json_response(&json);
}

ClaimsReply claims_health_detailed(ClaimsCall& call) {
  const auto services = look_at_services(call);
  JsonWriter json;
  write_head(services, "unhealthy", &json);
  const ResultCacheStats cache = call.claims.cache_stats();
  json.key("result_cache").begin_object().key("entries").value(static_cast<uint64_t>(cache.entries));
  json.key("bytes").value(static_cast<uint64_t>(cache.bytes)).key("hits").value(cache.hits);
  json.key("misses").value(cache.misses).end_object().end_object();
  HttpResponse response = json_response(&json, all_healthy(services) ? 200 : 503);
  if (response.status == 503) response.headers.emplace_back("retry-after", std::to_string(kRetryAfterSeconds));
  return response;
}

ClaimsReply claims_metrics_list(ClaimsCall& call) {
  JsonWriter json;
  json.begin_object().key("metrics").begin_array();
  const std::vector<std::string> names = call.claims.history().names();
  for (const std::string& name : names) json.value(name);
  json.end_array().key("count").value(static_cast<uint64_t>(names.size())).end_object();
  return json_response(&json);
}

ClaimsReply claims_metrics_overview(ClaimsCall& call) {
  JsonWriter json;
  json.begin_object().key("timestamp").value(iso_time(std::chrono::system_clock::now()));
  json.key("metrics").begin_object();
  for (const MetricSummary& summary : call.claims.history().summaries()) {
    json.key(summary.name).begin_object().key("count").value(static_cast<uint64_t>(summary.count));
    json.key("last").value(summary.last).key("mean").value(summary.mean).key("p50").value(summary.p50);
    json.key("p95").value(summary.p95).key("p99").value(summary.p99).end_object();
  }
  json.end_object().end_object();
  return json_response(&json);
}

ClaimsReply claims_metrics_timeseries(ClaimsCall& call) {
  const auto name = query_text(call, "metric_name");
  if (!name) return schema_error("metric_name", "metric_name: is missing");
  const auto seconds = query_integer(call, "duration_seconds", 3600, 1, 86400);
  if (!seconds) return std::unexpected(seconds.error());
  const auto points = call.claims.history().points(*name, static_cast<double>(*seconds));
  if (!points) {
    return std::unexpected(ApiError(StatusCode::kNotFound, "no such metric; GET /api/v1/metrics/list names them"));
  }
  JsonWriter json;
  json.begin_object().key("metric_name").value(*name).key("duration_seconds").value(*seconds);
  json.key("points").begin_array();
  for (const MetricPoint& point : *points) {
    json.begin_object().key("timestamp").value(iso_time(point.time)).key("value").value(point.value).end_object();
  }
  json.end_array().key("count").value(static_cast<uint64_t>(points->size())).end_object();
  return json_response(&json);
}

}  // namespace vivace
