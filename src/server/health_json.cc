#include "server/health_json.h"

#include <chrono>
#include <filesystem>
#include <optional>

#include "apps/claims/claims_service.h"
#include "base/json_writer.h"
#include "server/claims_context.h"
#include "server/detection_service.h"
#include "server/iso_time.h"

namespace vivace {
namespace {

void write_service(std::string_view name, std::string_view status, std::string_view message, JsonWriter* json) {
  json->key(name).begin_object().key("status").value(status).key("message").value(message);
  json->key("latency_ms").null().end_object();
}

void write_database(const ClaimsContext* claims, JsonWriter* json) {
  if (claims != nullptr && claims->service.has_open_store()) return write_service("database", "healthy", "open", json);
  write_service("database", "not_in_use", "no evidence store is open; its first use opens it", json);
}

void write_model_service(std::string_view name, const std::optional<ModelSnapshot>& model, JsonWriter* json) {
  if (!model) return write_service(name, "not_in_use", "no model of that role is configured", json);
  const bool is_healthy = model->state == ModelState::kReady || model->state == ModelState::kUnloaded;
  const bool has_failed = model->state == ModelState::kFailed;
  write_service(name, is_healthy ? "healthy" : "unhealthy",
                has_failed ? std::string_view(model->failure.message) : model_state_name(model->state), json);
}

// The last folder of its directory.
std::string version_of(const ModelSnapshot& model) {
  const auto directory = std::filesystem::path(model.spec.directory + "/").lexically_normal();
  return directory.parent_path().filename().string();
}

// The detector's, whose server of its own had them; where there is none the first model's.
void write_model(const ModelRegistry& models, JsonWriter* json) {
  auto model = models.snapshot(kDetectorModel);
  if (!model) {
    const auto all = models.snapshot();
    if (!all.empty()) model = all.front();
  }
  json->key("model_loaded").value(model && model->state == ModelState::kReady).key("model_version");
  if (!model) {
    json->null();
  } else {
    json->value(version_of(*model));
  }
  json->key("device").value("cpu");
}

}  // namespace

std::string health_json(const ServerContext& server) {
  const ModelRegistry& models = server.models;
  JsonWriter json;
  json.begin_object().key("status").value(models.all_ready() ? "healthy" : "degraded");
  json.key("timestamp").value(iso_time(std::chrono::system_clock::now()));
  json.key("services").begin_object();
  write_database(server.claims, &json);
  write_model_service("embedding_service", models.snapshot(kEmbedderRole), &json);
  write_model_service("nli_service", models.snapshot(kEntailmentRole), &json);
  json.end_object().key("version").value(VIVACE_VERSION);
  write_model(models, &json);
  json.end_object();
  return json.take();
}

std::string_view health_schema() {
  return R"({"type":"object","required":["status","timestamp","services","version","model_loaded","model_version",)"
         R"("device"],"properties":{"status":{"enum":["healthy","degraded"]},"timestamp":{"type":"string"},)"
         R"("services":{"type":"object","required":["database","embedding_service","nli_service"],)"
         R"("additionalProperties":{"type":"object","required":["status","message","latency_ms"],"properties":{)"
         R"("status":{"enum":["healthy","unhealthy","not_in_use"]},"message":{"type":"string"},)"
         R"("latency_ms":{"type":["number","null"]}}}},"version":{"type":"string"},)"
         R"("model_loaded":{"type":"boolean"},"model_version":{"type":["string","null"]},"device":{"const":"cpu"}}})";
}

}  // namespace vivace
