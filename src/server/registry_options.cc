#include "server/registry_options.h"

#include <algorithm>
#include <string_view>

namespace vivace {
namespace {

// The most that the caches of the systems whose models are served may take.
size_t cache_bytes(const ServerConfig& config) {
  const auto of = [&](std::string_view model, int64_t bytes) {
    const bool served = std::ranges::find(config.models, model, &ModelSpec::name) != config.models.end();
    return served ? static_cast<size_t>(bytes) : 0;
  };
  return (static_cast<size_t>(config.impact_cache_mb) << 20) + of("detector", config.detection_cache_bytes) +
         of("entailment", config.claims_cache_bytes) + of("completion", config.completion_cache_bytes);
}

}  // namespace

RegistryOptions registry_options(const ServerConfig& config) {
  RegistryOptions options;
  options.engine = {.pool = nullptr,
                    .threads = static_cast<int>(config.threads),
                    .isa = config.isa,
                    .precision = find_precision(config.precision).value_or(Precision::kAuto),
                    .max_batch_tokens = static_cast<int>(config.max_batch_tokens),
                    .max_queued_texts = static_cast<int>(config.max_queued_texts)};
  options.policy = config.model_loading == "when_asked" ? LoadPolicy::kWhenAsked : LoadPolicy::kAtStart;
  const size_t budget =
      config.memory_budget_mb > 0 ? static_cast<size_t>(config.memory_budget_mb) << 20 : default_memory_budget();
  const size_t caches = cache_bytes(config);
  options.budget_bytes = budget > caches ? budget - caches : 1;
  options.slow_seconds = config.breaker_slow_seconds;
  options.breaker.first_pause_seconds = config.breaker_pause_seconds;
  return options;
}

}  // namespace vivace
