#include "server/impact_setup.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "apps/impact/registry_backend.h"
#include "base/log.h"
#include "engine/computing_model.h"

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

// What the model's entry says counts more than what is said for whichever model there is.
std::optional<double> given_gate(const std::optional<double>& of_model, double of_any_model) {
  if (of_model || of_any_model < 0) return of_model;
  return of_any_model;
}

SemanticGates choose_gates(const ServerConfig& config, const std::string& name) {
  const auto spec = std::ranges::find(config.models, name, &ModelSpec::name);
  const ModelSpec model = spec == config.models.end() ? ModelSpec() : *spec;
  const auto without = given_gate(model.impact_gate_without_keywords, config.impact_gate_without_keywords);
  const auto with = given_gate(model.impact_gate_with_keywords, config.impact_gate_with_keywords);
  const SemanticGates* known = known_gates(model.directory);
  if (spec != config.models.end() && known == nullptr && !(without && with)) {
    log_warning("no gates of impact scoring are known for the model {}; `vivace impact calibrate` finds them", name);
  }
  const SemanticGates otherwise = known != nullptr ? *known : SemanticGates();
  return {.without_keywords = without.value_or(otherwise.without_keywords),
          .with_keywords = with.value_or(otherwise.with_keywords)};
}

// What there is of the model for links of the chain: our own kernels, its ONNX file, or that behind these. The checksum
// that a model must have is that of the first alone.
ModelSources sources_of(const ServerConfig& config, const std::string& name) {
  const auto spec = std::ranges::find(config.models, name, &ModelSpec::name);
  if (spec == config.models.end()) return {.weights = true, .onnx_file = false};
  const Precision precision = find_precision(config.precision).value_or(Precision::kAuto);
  ModelSources sources = find_model_sources(spec->directory, config.isa, precision);
  sources.weights = sources.weights || !sources.onnx_file;
  if (sources.weights && !config.impact_model_sha256.empty()) sources.onnx_file = false;
  return sources;
}

SemanticBackend make_backend(const ServerConfig& config, ModelRegistry& registry, std::string name, ComputedBy by) {
  RegistryBackendOptions options;
  const std::string served = first_served(registry, options.models);
  options.name = std::move(name);
  options.computed_by = by;
  options.gates = choose_gates(config, served);
  options.seconds = config.impact_model_seconds;
  options.cache_bytes = static_cast<size_t>(config.impact_cache_mb) << 20;
  options.refusal = {StatusCode::kCorruptFile, config.impact_model_refusal};
  return registry_backend(registry, std::move(options));
}

std::vector<SemanticBackend> make_chain(const ServerConfig& config, ModelRegistry& registry) {
  const ModelSources sources = sources_of(config, first_served(registry, RegistryBackendOptions().models));
  std::vector<SemanticBackend> chain;
  if (sources.weights) chain.push_back(make_backend(config, registry, "cpu", ComputedBy::kKernels));
  if (sources.onnx_file) chain.push_back(make_backend(config, registry, "onnx", ComputedBy::kOnnxFile));
  return chain;
}

}  // namespace

SemanticBackend impact_backend(const ServerConfig& config, ModelRegistry& registry) {
  return make_backend(config, registry, "model", ComputedBy::kEither);
}

Result<std::shared_ptr<ImpactScorer>> make_impact_scorer(const ServerConfig& config, ModelRegistry& registry) {
  ScoringConfig scoring;
  scoring.volume_window_seconds = config.impact_volume_window_seconds;
  scoring.max_agents = static_cast<int>(config.impact_max_agents);
  scoring.constitutional_hash = config.impact_constitutional_hash;
  scoring.text_fields = split(config.impact_text_fields);
  return ImpactScorer::make(std::move(scoring), make_chain(config, registry));
}

}  // namespace vivace
