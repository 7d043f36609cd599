#include "server/metrics_dump.h"

#include <array>

#include "base/process_memory.h"
#include "engine/engine_stats.h"
#include "runtime/model_memory.h"
#include "server/claims_metrics.h"
#include "server/completion_metrics.h"
#include "server/detection_service.h"
#include "server/model_metrics.h"
#include "telemetry/prometheus.h"

namespace vivace {
namespace {

constexpr std::string_view kNoRoute = "none";

double number(const Counter& counter) {
  return static_cast<double>(counter.value());
}

double number(const Gauge& gauge) {
  return static_cast<double>(gauge.value());
}

// The method is the route's, so that a path with two of them has two series: HEAD counts as its GET.
void dump_route(const RouteStats& stats, std::string_view route, Method route_method, PrometheusWriter* out) {
  const std::string_view method = method_name(route_method);
  constexpr std::string_view kName = "vivace_http_requests_total";
  constexpr std::string_view kHelp = "Requests answered, by route, its method and class of status.";
  out->counter(kName, kHelp, {{"route", route}, {"method", method}, {"status", "2xx"}}, number(stats.succeeded));
  out->counter(kName, kHelp, {{"route", route}, {"method", method}, {"status", "4xx"}}, number(stats.refused));
  out->counter(kName, kHelp, {{"route", route}, {"method", method}, {"status", "5xx"}}, number(stats.failed));
  out->histogram("vivace_http_request_seconds", "From the request's last byte to the answer's.",
                 {{"route", route}, {"method", method}}, stats.seconds);
}

void dump_grpc(const ServerStats& stats, PrometheusWriter* out) {
  constexpr std::string_view kName = "vivace_grpc_requests_total";
  constexpr std::string_view kHelp = "gRPC calls answered, by method and outcome.";
  for (size_t i = 0; i < kGrpcMethods.size(); ++i) {
    const std::string_view method = kGrpcMethods[i];
    const RouteStats& calls = stats.grpc[i];
    out->counter(kName, kHelp, {{"method", method}, {"status", "ok"}}, number(calls.succeeded));
    out->counter(kName, kHelp, {{"method", method}, {"status", "refused"}}, number(calls.refused));
    out->counter(kName, kHelp, {{"method", method}, {"status", "failed"}}, number(calls.failed));
    out->histogram("vivace_grpc_request_seconds", "From a gRPC call to its answer.", {{"method", method}},
                   calls.seconds);
  }
}

void dump_http(const ServerContext& server, PrometheusWriter* out) {
  const ServerStats& stats = server.stats;
  for (size_t i = 0; i < server.routes.size(); ++i) {
    dump_route(stats.routes[i], server.routes[i].path, server.routes[i].method, out);
  }
  dump_route(stats.routes[server.routes.size()], kNoRoute, Method::kOther, out);
  out->gauge("vivace_http_requests_in_flight", "Requests that are being answered.", {},
             number(stats.requests_in_flight));
  out->gauge("vivace_http_body_bytes", "Bytes of bodies that are held, of requests and answers.", {},
             number(stats.body_bytes));
  out->gauge("vivace_http_connections", "Open connections.", {}, number(stats.connections));
  out->counter("vivace_http_connections_accepted_total", "Connections taken.", {}, number(stats.connections_accepted));
  out->counter("vivace_http_connections_refused_total", "Connections over max_connections.", {},
               number(stats.connections_refused));
  out->counter("vivace_http_received_bytes_total", "Bytes of request bodies.", {}, number(stats.received_bytes));
  out->counter("vivace_http_sent_bytes_total", "Bytes of response bodies.", {}, number(stats.sent_bytes));
  out->counter("vivace_http_bad_requests_total", "Requests that could not be read as HTTP.", {},
               number(stats.bad_requests));
  out->counter("vivace_http_timeouts_total", "Clients that sent or took too slowly.", {}, number(stats.timeouts));
  out->counter("vivace_http_disconnects_total", "Clients that left while their request ran.", {},
               number(stats.disconnects));
  out->gauge("vivace_draining", "1 once the server was told to stop.", {}, server.draining ? 1 : 0);
}

void dump_outcomes(const EngineStats& stats, std::string_view model, PrometheusWriter* out) {
  const std::array<std::pair<std::string_view, const Counter*>, 6> outcomes = {{
      {"succeeded", &stats.requests_succeeded},
      {"overloaded", &stats.requests_overloaded},
      {"rejected", &stats.requests_rejected},
      {"expired", &stats.requests_expired},
      {"cancelled", &stats.requests_cancelled},
      {"failed", &stats.requests_failed},
  }};
  for (const auto& [outcome, counter] : outcomes) {
    out->counter("vivace_engine_requests_total", "Requests to the model, by outcome.",
                 {{"model", model}, {"outcome", outcome}}, number(*counter));
  }
}

void dump_engine(const EngineStats& stats, std::string_view model, PrometheusWriter* out) {
  const std::array<MetricLabel, 1> label = {{{"model", model}}};
  const std::span<const MetricLabel> labels = label;
  dump_outcomes(stats, model, out);
  out->counter("vivace_engine_requests_accepted_total", "Requests taken into the queue.", labels,
               number(stats.requests_accepted));
  out->counter("vivace_engine_texts_total", "Texts taken.", labels, number(stats.texts));
  out->counter("vivace_engine_tokens_total", "Tokens taken.", labels, number(stats.tokens));
  out->counter("vivace_engine_truncated_texts_total", "Texts that were cut to the model's length.", labels,
               number(stats.truncated_texts));
  out->counter("vivace_engine_batches_total", "Batches computed.", labels, number(stats.batches));
  out->gauge("vivace_engine_queued_texts", "Texts that wait.", labels, number(stats.queued_texts));
  out->gauge("vivace_engine_queued_tokens", "Tokens that wait: scale on this.", labels, number(stats.queued_tokens));
  out->histogram("vivace_engine_request_seconds", "From submission to answer.", labels, stats.request_seconds);
  out->histogram("vivace_engine_queue_seconds", "From submission to the first batch.", labels, stats.queue_seconds);
  out->histogram("vivace_engine_tokenize_seconds", "Tokenizing a request's texts.", labels, stats.tokenize_seconds);
  out->histogram("vivace_engine_batch_seconds", "Computing a batch.", labels, stats.batch_seconds);
  out->histogram("vivace_engine_batch_tokens", "Tokens of a batch.", labels, stats.batch_tokens);
}

void dump_models(const ServerContext& server, PrometheusWriter* out) {
  static const EngineStats nothing_yet;  // of models that are not loaded: the series are there, at 0
  for (const ModelSnapshot& model : server.models.snapshot()) {
    for (const ModelState state :
         {ModelState::kLoading, ModelState::kReady, ModelState::kFailed, ModelState::kUnloaded}) {
      out->gauge("vivace_model_state", "1 for the state that the model is in.",
                 {{"model", model.spec.name}, {"state", model_state_name(state)}}, model.state == state ? 1 : 0);
    }
    dump_engine(model.model.is_loaded() ? model.model.stats() : nothing_yet, model.spec.name, out);
  }
}

void dump_detection(const DetectionStats& stats, PrometheusWriter* out) {
  out->counter("vivace_detection_requests_total", "Detection requests answered.", {}, number(stats.requests));
  out->counter("vivace_detection_sentences_total", "Sentences scored, of requests and jobs.", {},
               number(stats.sentences));
  out->counter("vivace_detection_words_total", "Words scored.", {}, number(stats.words));
  out->counter("vivace_detection_truncated_words_total", "Words past the model's limit.", {},
               number(stats.truncated_words));
  out->counter("vivace_detection_cached_sentences_total", "Sentences answered from the cache.", {},
               number(stats.cached));
  out->histogram("vivace_detection_request_seconds", "A detection request from its body to its answer.", {},
                 stats.seconds);
  constexpr std::string_view kJobs = "vivace_detection_jobs_total";
  constexpr std::string_view kHelp = "Background jobs, by what became of them.";
  out->counter(kJobs, kHelp, {{"state", "accepted"}}, number(stats.jobs_accepted));
  out->counter(kJobs, kHelp, {{"state", "complete"}}, number(stats.jobs_complete));
  out->counter(kJobs, kHelp, {{"state", "failed"}}, number(stats.jobs_failed));
  out->counter(kJobs, kHelp, {{"state", "cancelled"}}, number(stats.jobs_cancelled));
  out->counter(kJobs, kHelp, {{"state", "expired"}}, number(stats.jobs_expired));
  out->gauge("vivace_detection_jobs_waiting", "Jobs that have not ended.", {}, number(stats.jobs_waiting));
  constexpr std::string_view kCallbacks = "vivace_detection_callbacks_total";
  constexpr std::string_view kCallbackHelp = "Callbacks, by outcome.";
  out->counter(kCallbacks, kCallbackHelp, {{"outcome", "delivered"}}, number(stats.callbacks_delivered));
  out->counter(kCallbacks, kCallbackHelp, {{"outcome", "failed"}}, number(stats.callbacks_failed));
}

}  // namespace

std::string dump_metrics(const ServerContext& server) {
  PrometheusWriter out;
  out.gauge("vivace_build_info", "Always 1; the label says what runs.", {{"version", VIVACE_VERSION}}, 1);
  out.gauge("process_resident_memory_bytes", "Memory that the process holds.", {},
            static_cast<double>(resident_bytes()));
  dump_http(server, &out);
  dump_grpc(server.stats, &out);
  dump_models(server, &out);
  if (server.detection != nullptr) dump_detection(server.detection->stats, &out);
  dump_claims(server, &out);
  dump_runtime(server, &out);
  dump_impact(server, &out);
  dump_completion(server, &out);
  return out.take();
}

}  // namespace vivace
