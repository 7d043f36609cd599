#include "server/model_metrics.h"

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <mutex>
#include <utility>

#include "apps/impact/impact_service.h"

namespace vivace {
namespace {

const EngineStats kNothingYet;  // of models that are not loaded: the series are there, at 0

double number(uint64_t value) {
  return static_cast<double>(value);
}

void dump_memory(const ModelSnapshot& model, PrometheusWriter* out) {
  const std::string_view name = model.spec.name;
  out->gauge("vivace_model_weight_bytes", "Packed weights in memory.", {{"model", name}}, number(model.memory.weights));
  out->gauge("vivace_model_activation_bytes", "The most that the activations of a batch take.", {{"model", name}},
             number(model.memory.activations));
  out->gauge("vivace_model_load_seconds", "What the last load took.", {{"model", name}}, model.load_ms / 1000);
  out->gauge("vivace_model_warm_up_seconds", "What the first pass took.", {{"model", name}}, model.warm_up_ms / 1000);
  out->counter("vivace_model_uses_total", "Times that the model was handed out.", {{"model", name}},
               number(model.uses));
  out->counter("vivace_model_misses_total", "Times that the model was asked for and not loaded.", {{"model", name}},
               number(model.misses));
  out->counter("vivace_model_loads_total", "Loads that succeeded.", {{"model", name}}, number(model.loads));
  out->counter("vivace_model_evictions_total", "Times that the model made room for another.", {{"model", name}},
               number(model.evictions));
}

void dump_breaker(const ModelSnapshot& model, PrometheusWriter* out) {
  const std::string_view name = model.spec.name;
  for (const BreakerState state : {BreakerState::kClosed, BreakerState::kOpen, BreakerState::kHalfOpen}) {
    out->gauge("vivace_breaker_state", "1 for the state that the model's breaker is in.",
               {{"model", name}, {"state", breaker_state_name(state)}}, model.breaker.state == state ? 1 : 0);
  }
  out->counter("vivace_breaker_opened_total", "Times that the breaker opened.", {{"model", name}},
               number(model.breaker.opened));
  const std::array<std::pair<BreakerState, uint64_t>, 3> transitions = {
      {{BreakerState::kOpen, model.breaker.opened},
       {BreakerState::kHalfOpen, model.breaker.half_opened},
       {BreakerState::kClosed, model.breaker.closed}}};
  for (const auto& [state, times] : transitions) {
    out->counter("vivace_breaker_transitions_total", "Changes of the breaker's state, by the new one.",
                 {{"model", name}, {"to", breaker_state_name(state)}}, number(times));
  }
  out->counter("vivace_breaker_refused_total", "Calls that the breaker stopped.", {{"model", name}},
               number(model.breaker.refused));
}

// Of the whole process, all cores summed, since the last reading that is at least a second old.
double cpu_percent() {
  using Clock = std::chrono::steady_clock;
  static std::mutex mutex;
  static auto last_time = Clock::now();
  static double last_cpu = 0;
  static double percent = 0;
  const std::scoped_lock lock(mutex);
  const std::chrono::duration<double> wall = Clock::now() - last_time;
  if (wall.count() < 1) return percent;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  percent = 100 * (cpu - last_cpu) / wall.count();
  last_cpu = cpu;
  last_time = Clock::now();
  return percent;
}

// The names that dashboards of the systems before Vivace know.
void dump_known_names(const ModelSnapshot& model, double cpu, PrometheusWriter* out) {
  const std::string_view name = model.spec.name;
  const EngineStats& stats = model.model.is_loaded() ? model.model.stats() : kNothingYet;
  out->histogram("acgs2_model_inference_latency_seconds", "Submission to answer, by model.", {{"model_name", name}},
                 stats.request_seconds);
  out->counter("acgs2_model_inference_total", "Requests answered, by model.", {{"model_name", name}},
               number(stats.requests_succeeded.value()));
  out->gauge("acgs2_model_cpu_percent", "CPU use of the process, all cores summed.", {{"model_name", name}}, cpu);
  out->gauge("model_memory_usage_bytes", "Memory that a model takes.", {{"model", name}}, number(model.memory.total()));
}

bool is_fallback(const ModelSnapshot& model) {
  return model.model.is_loaded() && !model.model.info().fallback.empty();
}

}  // namespace

void dump_runtime(const ServerContext& server, PrometheusWriter* out) {
  out->gauge("vivace_memory_budget_bytes", "What all models together may take; 0 without a limit.", {},
             number(server.models.budget_bytes()));
  out->gauge("vivace_memory_used_bytes", "What the loaded models take of the budget.", {},
             number(server.models.used_bytes()));
  const std::vector<ModelSnapshot> models = server.models.snapshot();
  const double cpu = cpu_percent();
  for (const ModelSnapshot& model : models) {
    dump_memory(model, out);
    dump_breaker(model, out);
    dump_known_names(model, cpu, out);
    out->gauge("vivace_model_fallback", "1 while an ONNX file computes in place of weights that cannot be used.",
               {{"model", model.spec.name}}, is_fallback(model) ? 1 : 0);
  }
}

void dump_impact(const ServerContext& server, PrometheusWriter* out) {
  if (server.impact == nullptr) return;
  const ScorerStatus status = server.impact->scorer()->status();
  for (const BackendStatus& backend : status.backends) {
    const std::string_view name = backend.name;
    out->counter("vivace_impact_backend_calls_total", "Calls of a backend of impact scoring.", {{"backend", name}},
                 number(backend.calls));
    out->counter("vivace_impact_backend_failures_total", "Calls that the next backend had to answer.",
                 {{"backend", name}}, number(backend.failures));
    out->counter("vivace_impact_cache_hits_total", "Texts whose similarity was known.", {{"backend", name}},
                 number(backend.cache.hits));
    out->counter("vivace_impact_cache_misses_total", "Texts whose similarity was not known.", {{"backend", name}},
                 number(backend.cache.misses));
    out->gauge("vivace_impact_cache_bytes", "What the known similarities take.", {{"backend", name}},
               number(backend.cache.bytes));
  }
  out->gauge("vivace_impact_agents", "Agents that are remembered.", {}, number(status.agents));
  out->counter("vivace_impact_refused_hashes_total", "Messages with a wrong constitutional hash.", {},
               number(status.refused_hashes));
  const RouterStatus router = server.impact->router().status();
  out->counter("vivace_impact_routed_total", "Routing decisions, by lane.", {{"lane", "fast"}}, number(router.fast));
  out->counter("vivace_impact_routed_total", "Routing decisions, by lane.", {{"lane", "deliberation"}},
               number(router.deliberated));
  out->gauge("vivace_impact_router_threshold", "Scores from here on are deliberated.", {}, router.impact_threshold);
}

}  // namespace vivace
