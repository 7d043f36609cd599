#include "server/routes_operations.h"

#include "base/json_writer.h"
#include "server/health_json.h"
#include "server/metrics_dump.h"
#include "server/openapi.h"
#include "telemetry/prometheus.h"

namespace vivace {
namespace {

Reply health(const RequestContext& context) {
  HttpResponse response;
  response.body = health_json(context.server);
  return response;
}

std::string_view readiness(const ServerContext& server) {
  if (server.draining) return "draining";
  return server.models.all_ready() ? "ready" : "not_ready";
}

Reply ready(const RequestContext& context) {
  const std::string_view status = readiness(context.server);
  JsonWriter json;
  json.begin_object().key("status").value(status).key("models").begin_array();
  for (const ModelSnapshot& model : context.server.models.snapshot()) {
    json.begin_object().key("name").value(model.spec.name).key("state").value(model_state_name(model.state));
    if (model.state == ModelState::kFailed) json.key("failure").value(model.failure.message);
    json.end_object();
  }
  json.end_array().end_object();
  HttpResponse response;
  response.body = json.take();
  if (status != "ready") {
    response.status = 503;
    response.headers.emplace_back("retry-after", std::to_string(kRetryAfterSeconds));
  }
  return response;
}

Reply metrics(const RequestContext& context) {
  HttpResponse response;
  response.content_type = kPrometheusContentType;
  response.body = dump_metrics(context.server);
  return response;
}

Reply openapi(const RequestContext& context) {
  HttpResponse response;
  response.body = openapi_document(context.server);
  return response;
}

constexpr char kReadiness[] =
    R"({"type":"object","required":["status","models"],"properties":{)"
    R"("status":{"enum":["ready","not_ready","draining"]},)"
    R"("models":{"type":"array","items":{"type":"object","required":["name","state"],"properties":{)"
    R"("name":{"type":"string"},"state":{"enum":["loading","ready","failed","unloaded"]},"failure":{"type":"string"}}}}}})";

std::vector<Schema> schemas(const ApiFacts&) {
  return {
      {"Health", std::string(health_schema())}, {"Readiness", kReadiness}, {"OpenApiDocument", R"({"type":"object"})"}};
}

Route operation(std::string_view path, ImmediateHandler handler, OperationDoc doc) {
  return {.method = Method::kGet,
          .path = path,
          .family = ApiFamily::kVivace,
          .access = Access::kPublic,
          .handler = handler,
          .doc = std::move(doc)};
}

}  // namespace

RouteGroup operations_routes() {
  return {{operation("/health", health,
                     {.id = "health",
                      .summary = "200 while the process is alive; what is known of models and store",
                      .response_schema = "Health"}),
           operation("/ready", ready,
                     {.id = "ready",
                      .summary = "Whether every model is loaded and warm; 503 until then and while draining",
                      .response_schema = "Readiness",
                      .unready_schema = "Readiness"}),
           operation("/metrics", metrics,
                     {.id = "metrics", .summary = "Prometheus metrics", .response_type = kPrometheusContentType}),
           operation("/openapi.json", openapi,
                     {.id = "openapi", .summary = "This description", .response_schema = "OpenApiDocument"})},
          schemas};
}

}  // namespace vivace
