#include "server/hot_reload.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "apps/impact/impact_service.h"
#include "apps/impact/registry_backend.h"
#include "base/log.h"
#include "server/config_fields.h"
#include "server/impact_setup.h"

namespace vivace {
namespace {

struct Differences {
  bool impact = false;
  bool router_threshold = false;
  std::string need_restart;  // names of keys
};

// Secrets too, which field_text() would hide.
bool differ(const ConfigField& a, const ConfigField& b) {
  return std::visit(
      [&b](const auto* value) {
        using Value = std::remove_cv_t<std::remove_pointer_t<decltype(value)>>;
        return *value != **std::get_if<Value*>(&b.value);
      },
      a.value);
}

// The model that scores impact, where there is one.
std::optional<ModelSpec> impact_model(const ServerConfig& config) {
  for (const std::string& name : RegistryBackendOptions().models) {
    const auto spec =
        std::ranges::find_if(config.models, [&](const ModelSpec& model) { return model.is_called(name); });
    if (spec != config.models.end()) return *spec;
  }
  return std::nullopt;
}

Differences compare(ServerConfig next, ServerConfig current) {
  Differences differences;
  const auto after = config_fields(next);
  const auto before = config_fields(current);
  for (size_t i = 0; i < after.size(); ++i) {
    if (!differ(after[i], before[i])) continue;
    const std::string_view name = after[i].info.name;
    if (name == "impact_router_threshold") {
      differences.router_threshold = true;
    } else if (name.starts_with("impact_")) {
      differences.impact = true;
    } else if (name != "models" && !name.starts_with("log_")) {
      differences.need_restart += (differences.need_restart.empty() ? "" : ", ") + std::string(name);
    }
  }
  // Not for any model: a new scorer knows nothing of the agents.
  differences.impact |=
      impact_model(next) != impact_model(current) || next.impact_model_refusal != current.impact_model_refusal;
  return differences;
}

}  // namespace

Result<void> apply_config(const ServerConfig& next, ServerConfig* current, ServerContext* context) {
  for (const ModelSpec& spec : next.models) RETURN_IF_ERROR(check_model_directory(spec));
  const Differences differences = compare(next, *current);
  context->models.reconfigure(next.models);
  if (differences.impact) {
    ASSIGN_OR_RETURN(std::shared_ptr<ImpactScorer> scorer, make_impact_scorer(next, context->models));
    context->impact->replace(std::move(scorer), impact_backend(next, context->models));
  }
  // Only where it was changed: else what the router has learnt stays.
  if (differences.router_threshold) context->impact->router().set_impact_threshold(next.impact_router_threshold);
  RETURN_IF_ERROR(configure_log(next));
  if (!differences.need_restart.empty()) {
    log_warning("these keys changed and need a restart: {}", differences.need_restart);
  }
  *current = next;
  log_info("the configuration was read again");
  return {};
}

}  // namespace vivace
