#include "server/run_server.h"

#include <algorithm>
#include <utility>

#include <chrono>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "apps/completion/completion_service.h"
#include "apps/impact/impact_service.h"
#include "base/log.h"
#include "server/claims_context.h"
#include "server/detection_service.h"
#include "server/grpc_front.h"
#include "server/http_server.h"
#include "server/impact_setup.h"
#include "server/registry_options.h"
#include "server/route_table.h"
#include "server/worker_pool.h"

namespace vivace {
namespace {

// Handlers that block are as many as their texts may share a batch; the rest queues up to the limit.
constexpr int kBlockingThreads = 32;

std::chrono::steady_clock::duration seconds(double value) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(value));
}

CompletionSettings completion_settings(const ServerConfig& config) {
  return {.deadline = std::chrono::milliseconds(config.completion_deadline_ms),
          .cache_bytes = static_cast<size_t>(config.completion_cache_bytes)};
}

Status first_failure(const ModelRegistry& models) {
  const ModelSnapshot model = models.snapshot().front();
  return model.failure.with_context("model '" + model.spec.name + "'");
}

// What the main thread waits for: SIGTERM, SIGINT or the news that no model could be loaded. SIGHUP is handled
// meanwhile.
class StopSignal {
 public:
  StopSignal() : m_signals(m_io, SIGTERM, SIGINT), m_hangup(m_io, SIGHUP) {
    m_signals.async_wait([this](const boost::system::error_code&, int) { m_io.stop(); });
  }

  // From here on the signals have their default effect again: a second one ends the process.
  void wait(const std::function<void()>& on_hangup) {
    await_hangup(on_hangup);
    m_io.run();
    boost::system::error_code ignored;
    m_signals.clear(ignored);
  }
  // Thread-safe; may come before wait().
  void raise() { m_io.stop(); }

 private:
  void await_hangup(const std::function<void()>& on_hangup) {
    m_hangup.async_wait([this, &on_hangup](const boost::system::error_code& problem, int) {
      if (problem) return;
      on_hangup();
      await_hangup(on_hangup);
    });
  }

  boost::asio::io_context m_io;
  boost::asio::signal_set m_signals;
  boost::asio::signal_set m_hangup;
};

ClaimsOptions claims_options(const ServerConfig& config) {
  ClaimsOptions options;
  options.store = config.evidence_store;
  options.cache_bytes = static_cast<size_t>(config.claims_cache_bytes);
  options.tasks.workers = static_cast<int>(config.task_workers);
  options.tasks.lease_seconds = config.task_lease_seconds;
  options.tasks.keep_seconds = config.task_keep_seconds;
  return options;
}

void reload(const ReadConfig& read, ServerConfig* current, ServerContext* context) {
  const auto next = read ? read() : error(StatusCode::kUnsupported, "this server has no configuration to read again");
  auto applied = next ? apply_config(*next, current, context) : Result<void>(std::unexpected(next.error()));
  if (!applied) log_error("the configuration stays as it was: {}", applied.error().message);
}

// The events that the originals log under these names.
void log_warmed_up(const ModelRegistry& models) {
  std::string times;
  for (const ModelSnapshot& model : models.snapshot()) {
    if (model.state == ModelState::kReady) times += fmt::format(" {}_ms={:.0f}", model.spec.name, model.warm_up_ms);
  }
  log_info("models_warmed_up{}", times);
}

void log_cache_stats(const ModelRegistry& models) {
  size_t loaded = 0;
  size_t bytes = 0;
  uint64_t uses = 0;
  for (const ModelSnapshot& model : models.snapshot()) {
    uses += model.uses;
    if (model.state != ModelState::kReady) continue;
    ++loaded;
    bytes += model.memory.total();
  }
  log_info("cache_stats models_loaded={} total_memory_mb={:.1f} access_count={}", loaded,
           static_cast<double>(bytes) / 1e6, uses);
}

// A connection takes a file descriptor, and many systems begin with fewer than the process may have.
void raise_file_limit(const ServerConfig& config) {
  constexpr rlim_t kOthers = 256;            // stores, models, the log
  constexpr rlim_t kFilesOfAConnection = 3;  // gRPC's has a pair of sockets beside its own
  const auto connections = static_cast<rlim_t>(config.max_connections);
  const rlim_t wanted = kFilesOfAConnection * connections + kOthers;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
  const rlimit raised{.rlim_cur = std::min(wanted, files.rlim_max), .rlim_max = files.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  if (files.rlim_cur >= connections + kOthers) return;
  log_warning(
      "max_connections is {}, but the system gives this process {} files: raise its limit (ulimit -n, "
      "LimitNOFILE) or lower max_connections",
      config.max_connections, files.rlim_cur);
}

void drain(const ServerConfig& config, ServerContext* context, HttpServer* server) {
  log_info("draining: finishing what is in flight within {} s", config.drain_seconds);
  context->draining = true;
  std::this_thread::sleep_for(seconds(config.drain_delay_seconds));
  // gRPC's connections close themselves once it has told their clients to go.
  const std::jthread farewell([context, limit = std::chrono::steady_clock::now() + seconds(config.drain_seconds)] {
    context->grpc->shut_down(limit);
  });
  if (!server->drain(seconds(config.drain_seconds))) {
    log_warning("drain_seconds are over; cutting the connections that are left");
    server->stop_connections();
  }
  context->detection->stop_jobs();
  // Before the server goes: the engines' callbacks need its executors.
  context->claims->service.stop();
  context->models.drain();
  context->claims->workers.stop();
  // A late wish to read the configuration again must not end the process otherwise than well.
  std::signal(SIGHUP, SIG_IGN);
  log_info("stopped");
}

// What load_server_config() cannot see and costs nothing: that each model's directory looks like a model's.
// server/serve_check.h does more.
Result<void> check_models(const ServerConfig& config) {
  if (config.models.empty()) {
    return error(StatusCode::kInvalidArgument, "no model to serve; name one with --model [NAME=]DIR");
  }
  std::vector<std::string> problems;
  for (const ModelSpec& spec : config.models) {
    if (const auto checked = check_model_directory(spec); !checked) problems.push_back(checked.error().message);
  }
  if (!problems.empty()) return std::unexpected(configuration_error(problems));
  return {};
}

}  // namespace

Result<void> run_server(const ServerConfig& config, const ReadConfig& read_again) {
  RETURN_IF_ERROR(configure_log(config));
  RETURN_IF_ERROR(check_models(config));
  StopSignal stop;
  ModelRegistry models(config.models, registry_options(config));
  const std::vector<Route> routes = all_routes();
  DetectionService detection(config, models);
  constexpr size_t kMaxWaitingClaims = 256;
  ClaimsContext claims{.service = {claims_options(config), models},
                       .limiter = RateLimiter(*parse_rate_limits(config.rate_limits)),
                       .workers = {static_cast<int>(config.claims_workers), kMaxWaitingClaims}};
  const RegistryCompletionModels completion_models(models, "completion");
  CompletionService completion(completion_models, completion_settings(config));
  ServerContext context{.config = config,
                        .models = models,
                        .routes = routes,
                        .detection = &detection,
                        .claims = &claims,
                        .tenant_keys = *parse_tenant_keys(config.tenant_keys),
                        .completion = &completion};
  ASSIGN_OR_RETURN(std::shared_ptr<ImpactScorer> scorer, make_impact_scorer(config, models));
  ImpactService impact(std::move(scorer), impact_backend(config, models),
                       {.impact_threshold = config.impact_router_threshold});
  context.impact = &impact;
  // A client, or whoever reads the log, that has gone is an error of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit(config);
  HttpServer server(context);
  WorkerPool workers(kBlockingThreads, static_cast<size_t>(config.max_queued_texts));
  context.workers = &workers;
  GrpcFront grpc(context, server.io());
  context.grpc = &grpc;
  RETURN_IF_ERROR(server.listen());
  server.start();
  detection.open_jobs();
  log_info("listening on {}", server.url());
  models.start([&] {
    if (models.all_failed()) stop.raise();
    log_warmed_up(models);
    log_cache_stats(models);
    claims.service.start();
  });
  ServerConfig current = config;
  stop.wait([&] { reload(read_again, &current, &context); });
  const bool nothing_to_serve = models.all_failed();
  log_cache_stats(models);
  drain(config, &context, &server);
  if (nothing_to_serve) return std::unexpected(first_failure(models));
  return {};
}

}  // namespace vivace
