#include "server/impact_setup.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "apps/impact/registry_backend.h"
#include "base/log.h"

namespace vivace {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) names.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

SemanticGates choose_gates(const ServerConfig& config, const std::string& model) {
  SemanticGates gates;
  const auto spec = std::ranges::find(config.models, model, &ModelSpec::name);
  if (spec != config.models.end()) {
    if (const SemanticGates* known = known_gates(spec->directory)) {
      gates = *known;
    } else if (config.impact_gate_without_keywords < 0 || config.impact_gate_with_keywords < 0) {
      log_warning("no gates of impact scoring are known for the model {}; `vivace impact calibrate` finds them", model);
    }
  }
  if (config.impact_gate_without_keywords >= 0) gates.without_keywords = config.impact_gate_without_keywords;
  if (config.impact_gate_with_keywords >= 0) gates.with_keywords = config.impact_gate_with_keywords;
  return gates;
}

}  // namespace

SemanticBackend impact_backend(const ServerConfig& config, ModelRegistry& registry) {
  RegistryBackendOptions options;
  options.gates = choose_gates(config, first_served(registry, options.models));
  options.seconds = config.impact_model_seconds;
  options.cache_bytes = static_cast<size_t>(config.impact_cache_mb) << 20;
  options.refusal = {StatusCode::kCorruptFile, config.impact_model_refusal};
  return registry_backend(registry, std::move(options));
}

Result<std::shared_ptr<ImpactScorer>> make_impact_scorer(const ServerConfig& config, ModelRegistry& registry) {
  ScoringConfig scoring;
  scoring.volume_window_seconds = config.impact_volume_window_seconds;
  scoring.max_agents = static_cast<int>(config.impact_max_agents);
  scoring.constitutional_hash = config.impact_constitutional_hash;
  scoring.text_fields = split(config.impact_text_fields);
  std::vector<SemanticBackend> chain;
  chain.push_back(impact_backend(config, registry));
  return ImpactScorer::make(std::move(scoring), std::move(chain));
}

}  // namespace vivace
