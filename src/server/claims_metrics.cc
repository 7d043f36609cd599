#include "server/claims_metrics.h"

#include "server/claims_context.h"

namespace vivace {
namespace {

double number(const Counter& counter) {
  return static_cast<double>(counter.value());
}

void dump_verdicts(const ClaimStats& stats, PrometheusWriter* out) {
  constexpr std::string_view kName = "vivace_claims_verified_total";
  constexpr std::string_view kHelp = "Claims verified, by verdict; failed: without one.";
  out->counter(kName, kHelp, {{"verdict", "supported"}}, number(stats.supported));
  out->counter(kName, kHelp, {{"verdict", "refuted"}}, number(stats.refuted));
  out->counter(kName, kHelp, {{"verdict", "insufficient"}}, number(stats.insufficient));
  out->counter(kName, kHelp, {{"verdict", "failed"}}, number(stats.failed));
  out->counter("vivace_claims_not_stored_total", "Verdicts answered that the store could not take.", {},
               number(stats.not_stored));
  out->counter("vivace_claims_retries_total", "Calls of store or model that were repeated.", {}, number(stats.retries));
}

void dump_cache(const ResultCacheStats& cache, PrometheusWriter* out) {
  out->counter("vivace_claims_cache_hits_total", "Claims answered from the result cache.", {},
               static_cast<double>(cache.hits));
  out->counter("vivace_claims_cache_misses_total", "Claims that were not in the result cache.", {},
               static_cast<double>(cache.misses));
  out->gauge("vivace_claims_cache_bytes", "Bytes of the result cache.", {}, static_cast<double>(cache.bytes));
}

}  // namespace

void dump_claims(const ServerContext& server, PrometheusWriter* out) {
  if (server.claims == nullptr) return;
  const ClaimStats& stats = server.claims->service.stats();
  out->histogram("embedding_latency_seconds", "Embedding of a claim or of texts.", {}, stats.embedding_seconds);
  out->histogram("nli_latency_seconds", "Entailment of all pairs of a request.", {}, stats.nli_seconds);
  out->histogram("verification_e2e_latency_seconds", "A whole verification.", {}, stats.verify_seconds);
  out->histogram("vivace_claims_retrieval_seconds", "Finding evidence.", {}, stats.retrieval_seconds);
  out->histogram("vivace_claims_store_seconds", "Storing a verdict.", {}, stats.store_seconds);
  out->counter("embeddings_generated_total", "Texts embedded for claim verification.", {}, number(stats.embeddings));
  out->counter("nli_pairs_verified_total", "Pairs of evidence and claim judged.", {}, number(stats.nli_pairs));
  dump_verdicts(stats, out);
  dump_cache(server.claims->service.cache_stats(), out);
  for (const RateCounts& counts : server.claims->limiter.counts()) {
    out->counter("vivace_claims_rate_limited_total", "Requests over the limit, by its name.", {{"limit", counts.name}},
                 static_cast<double>(counts.refused));
  }
}

}  // namespace vivace
