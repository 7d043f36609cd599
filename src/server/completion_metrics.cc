#include "server/completion_metrics.h"

#include "apps/completion/completion_service.h"

namespace vivace {

void dump_completion(const ServerContext& server, PrometheusWriter* out) {
  if (server.completion == nullptr) return;
  const CompletionCacheStats cache = server.completion->cache_stats();
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  constexpr std::string_view kHits = "vivace_completion_cache_hits_total";
  constexpr std::string_view kHelp = "Completions answered from the cache: the very code, or a beginning of it.";
  out->counter(kHits, kHelp, {{"of", "code"}}, number(cache.hits));
  out->counter(kHits, kHelp, {{"of", "beginning"}}, number(cache.prefix_hits));
  out->counter("vivace_completion_cache_misses_total", "Completions that were not in the cache.", {},
               number(cache.misses));
  out->gauge("vivace_completion_cache_bytes", "What the cached completions take.", {}, number(cache.bytes));
  out->counter("vivace_completion_fallbacks_total", "Completions for which a failing model's earlier answer was given.",
               {}, number(server.completion->fallbacks()));
}

}  // namespace vivace
