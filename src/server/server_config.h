// Everything about the server that can be set, once: the YAML file's keys, the flags, the environment variables, their
// limits and their help texts all follow from ServerConfig::visit().
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/kernel_choice.h"
#include "runtime/model_registry.h"
#include "server/config_checks.h"

namespace vivace {

// What visit() says about a key beside its value.
struct FieldInfo {
  std::string_view name{};  // key of the YAML file: "max_body_bytes"
  std::string_view help{};  // one sentence, with the unit
  double lowest = 0;        // numbers only
  double highest = 0;
  std::string_view choices{};  // texts only: "a|b|c"; empty: any text
  std::string_view flag{};     // without it: "--" and the name with dashes
  bool secret = false;         // never shown
  // Texts only: what else must hold, beside being one of the choices.
  Result<void> (*check)(std::string_view text) = nullptr;
};

struct ServerConfig {
  std::string host = "0.0.0.0";
  int64_t port = 8080;
  std::vector<ModelSpec> models;
  int64_t threads = 0;
  std::string isa;
  std::string precision = "auto";
  int64_t io_threads = 1;
  int64_t max_body_bytes = int64_t{16} << 20;
  int64_t max_header_bytes = 16384;
  int64_t max_texts_per_request = 2048;
  int64_t max_text_bytes = int64_t{1} << 20;
  int64_t max_connections = 1024;
  double header_timeout_seconds = 10;
  double body_timeout_seconds = 60;
  double idle_timeout_seconds = 75;
  double write_timeout_seconds = 60;
  double request_timeout_seconds = 60;
  double max_request_timeout_seconds = 600;
  int64_t max_queued_texts = 4096;
  int64_t max_batch_tokens = 16384;
  double drain_delay_seconds = 0;
  double drain_seconds = 25;
  int64_t detection_max_sentences = 120;
  int64_t detection_max_words = 350;
  int64_t detection_inference_batch_size = 32;
  int64_t detection_max_batch_tokens = 8192;
  std::string detection_label;
  int64_t detection_cache_bytes = int64_t{16} << 20;
  std::string detection_jobs_file;
  double detection_job_hours = 24;
  int64_t detection_max_jobs = 1000;
  int64_t detection_max_job_sentences = 10000;
  std::string detection_callback_hosts;
  double detection_callback_delay_seconds = 1;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string api_key;
  std::string evidence_store;
  std::string rate_limits = "on";
  std::string tenant_keys;
  int64_t claims_workers = 5;
  int64_t claims_cache_bytes = int64_t{32} << 20;
  int64_t task_workers = 5;
  double task_lease_seconds = 30;
  double task_keep_seconds = 3600;
  int64_t completion_deadline_ms = 200;
  int64_t completion_cache_bytes = int64_t{32} << 20;
  std::string admin_key;
  std::string model_loading = "at_start";
  int64_t memory_budget_mb = 0;
  double breaker_slow_seconds = 5;
  double breaker_pause_seconds = 5;
  double impact_model_seconds = 5;
  double impact_gate_without_keywords = -1;
  double impact_gate_with_keywords = -1;
  double impact_router_threshold = 0.8;
  std::string impact_model_sha256;
  std::string impact_constitutional_hash = "cdd01ef066bc6cf2";
  std::string impact_text_fields;
  double impact_volume_window_seconds = 60;
  int64_t impact_max_agents = 100'000;
  int64_t impact_cache_mb = 16;

  // Not read from anywhere: why the model of impact scoring must not be used; empty: it may.
  std::string impact_model_refusal;

  // Calls field(value, FieldInfo) for each key, in the order of the documentation.
  template <typename Self, typename Field>
  static void visit(Self& self, Field&& field);

 private:
  template <typename Self, typename Field>
  static void visit_detection(Self& self, Field& field);
  template <typename Self, typename Field>
  static void visit_claims(Self& self, Field& field);
  template <typename Self, typename Field>
  static void visit_completion(Self& self, Field& field);
  template <typename Self, typename Field>
  static void visit_runtime(Self& self, Field& field);
  template <typename Self, typename Field>
  static void visit_impact(Self& self, Field& field);
};

// Where values come from. A flag beats the environment, which beats the file, which beats the default.
struct ConfigSources {
  // The file's path; without one ./vivace.yaml is read when it exists.
  std::optional<std::string> file;
  // Name of the key and the texts given for it, in the order of the command line ("models" may have several).
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;
  // A variable's value or nullptr. By default the process's environment.
  std::function<const char*(const std::string&)> environment;
  // From what is written for a model to its directory, `named` being the file's models where a flag or the environment
  // took their place. By default directories are taken as written.
  std::function<Result<std::string>(const std::string& directory, const std::vector<ModelSpec>& named)> find_model;
};

// Reads and checks everything. All problems are reported together, one a line, each with its path
// ("vivace.yaml: port: …", "VIVACE_PORT: …", "--port: …").
Result<ServerConfig> load_server_config(const ConfigSources& sources);

// The log as its keys wish, from now on.
Result<void> configure_log(const ServerConfig& config);

// Several problems as one error: of a single one its own line, of more a count and a line for each.
Status configuration_error(const std::vector<std::string>& problems);

// The keys for command-line flags and help texts.
struct ConfigKey {
  std::string name;           // "max_body_bytes"
  std::string flag;           // "--max-body-bytes"
  std::string variable;       // "VIVACE_MAX_BODY_BYTES"
  std::string help;           // ends with limits or choices
  std::string default_value;  // "16777216"
  bool repeatable = false;    // the flag may be given several times
};
std::vector<ConfigKey> server_config_keys();

// The configuration as a commented YAML file that load_server_config() reads back; secrets are left out.
std::string server_config_yaml(const ServerConfig& config);

template <typename Self, typename Field>
void ServerConfig::visit(Self& self, Field&& field) {
  using Info = FieldInfo;
  constexpr double kMaxSeconds = 86400;
  field(self.host, Info{.name = "host", .help = "address to listen on; 127.0.0.1 keeps the server to this machine"});
  field(self.port, Info{.name = "port", .help = "TCP port; 0 takes a free one and logs it", .highest = 65535});
  field(
      self.models,
      Info{.name = "models", .help = "[NAME=]DIR of each model to serve; the first is the default", .flag = "--model"});
  field(self.threads,
        Info{.name = "threads", .help = "compute threads; 0: what affinity and cgroup allow", .highest = 1024});
  field(self.isa, Info{.name = "isa",
                       .help = "kernel table by name; empty: the best that the CPU has",
                       .check = check_kernel_table});
  field(self.precision,
        Info{.name = "precision", .help = "arithmetic of the models", .choices = "auto|fp32|bf16|int8|int4"});
  field(self.io_threads, Info{.name = "io_threads", .help = "threads for connections", .lowest = 1, .highest = 64});
  field(self.max_body_bytes,
        Info{.name = "max_body_bytes", .help = "longest request body", .lowest = 1024, .highest = 1 << 30});
  field(self.max_header_bytes, Info{.name = "max_header_bytes",
                                    .help = "longest request line and header fields together",
                                    .lowest = 1024,
                                    .highest = 1 << 20});
  field(self.max_texts_per_request,
        Info{.name = "max_texts_per_request", .help = "most texts in one request", .lowest = 1, .highest = 1 << 20});
  field(self.max_text_bytes,
        Info{.name = "max_text_bytes", .help = "longest text, in UTF-8 bytes", .lowest = 1, .highest = 1 << 30});
  field(self.max_connections,
        Info{.name = "max_connections", .help = "open connections; more get 503", .lowest = 1, .highest = 1 << 20});
  field(self.header_timeout_seconds, Info{.name = "header_timeout_seconds",
                                          .help = "for a request's head to arrive, once begun",
                                          .lowest = 0.01,
                                          .highest = kMaxSeconds});
  field(self.body_timeout_seconds, Info{.name = "body_timeout_seconds",
                                        .help = "for a request's body to arrive",
                                        .lowest = 0.01,
                                        .highest = kMaxSeconds});
  field(self.idle_timeout_seconds, Info{.name = "idle_timeout_seconds",
                                        .help = "that a connection may wait for its next request",
                                        .lowest = 0.01,
                                        .highest = kMaxSeconds});
  field(self.write_timeout_seconds, Info{.name = "write_timeout_seconds",
                                         .help = "for the client to take an answer",
                                         .lowest = 0.01,
                                         .highest = kMaxSeconds});
  field(self.request_timeout_seconds, Info{.name = "request_timeout_seconds",
                                           .help = "to answer a request that names no time in Request-Timeout-Ms",
                                           .lowest = 0.001,
                                           .highest = kMaxSeconds});
  field(self.max_request_timeout_seconds, Info{.name = "max_request_timeout_seconds",
                                               .help = "longest time that Request-Timeout-Ms may ask for",
                                               .lowest = 0.001,
                                               .highest = kMaxSeconds});
  field(self.max_queued_texts, Info{.name = "max_queued_texts",
                                    .help = "waiting texts of one model, beyond which requests get 429",
                                    .lowest = 1,
                                    .highest = 1 << 20});
  field(self.max_batch_tokens, Info{.name = "max_batch_tokens",
                                    .help = "tokens computed in one pass; bounds the memory of activations",
                                    .lowest = 1,
                                    .highest = 1 << 20});
  field(self.drain_delay_seconds, Info{.name = "drain_delay_seconds",
                                       .help = "after SIGTERM, keep accepting while /ready already says 503",
                                       .highest = kMaxSeconds});
  field(self.drain_seconds,
        Info{.name = "drain_seconds", .help = "to finish what is in flight after SIGTERM", .highest = kMaxSeconds});
  visit_detection(self, field);
  visit_completion(self, field);
  field(
      self.log_level,
      Info{.name = "log_level", .help = "least level that is logged", .choices = "trace|debug|info|warning|error|off"});
  field(self.log_format, Info{.name = "log_format", .help = "form of the log lines", .choices = "text|json"});
  field(self.api_key, Info{.name = "api_key",
                           .help = "key that clients send as 'Authorization: Bearer KEY'; empty: none is asked",
                           .secret = true});
  visit_claims(self, field);
  visit_runtime(self, field);
  visit_impact(self, field);
}

// Keys of claim verification.
template <typename Self, typename Field>
void ServerConfig::visit_claims(Self& self, Field& field) {
  using Info = FieldInfo;
  constexpr double kMaxSeconds = 86400;
  field(self.evidence_store,
        Info{.name = "evidence_store",
             .help = "evidence, claims and verdicts: a file or postgresql://USER@HOST/DATABASE; empty: a file in the "
                     "user's state folder",
             .flag = "--store"});
  field(self.rate_limits, Info{.name = "rate_limits",
                               .help = "requests of claim verification that one client may send in a minute: on, off, "
                                       "or NAME=REQUESTS,...",
                               .check = check_rate_limits});
  field(self.tenant_keys, Info{.name = "tenant_keys",
                               .help = "TENANT=KEY,...: API keys that see one tenant's claims and evidence only",
                               .secret = true,
                               .check = check_tenant_keys});
  field(
      self.claims_workers,
      Info{.name = "claims_workers", .help = "claims that are verified at the same time", .lowest = 1, .highest = 64});
  field(self.claims_cache_bytes,
        Info{.name = "claims_cache_bytes", .help = "for verdicts that are asked for again", .highest = 1e12});
  field(self.task_workers, Info{.name = "task_workers",
                                .help = "background tasks of claim verification that run at the same time",
                                .lowest = 1,
                                .highest = 64});
  field(self.task_lease_seconds, Info{.name = "task_lease_seconds",
                                      .help = "after which another process takes over a background task",
                                      .lowest = 0.1,
                                      .highest = kMaxSeconds});
  field(self.task_keep_seconds, Info{.name = "task_keep_seconds",
                                     .help = "that results of background tasks are kept",
                                     .highest = 365 * kMaxSeconds});
}

template <typename Self, typename Field>
void ServerConfig::visit_completion(Self& self, Field& field) {
  using Info = FieldInfo;
  field(self.completion_deadline_ms,
        Info{.name = "completion_deadline_ms",
             .help = "for POST /api/v1/complete where the request names none; 0: as long as any other request",
             .highest = 600'000});
  field(self.completion_cache_bytes, Info{.name = "completion_cache_bytes",
                                          .help = "memory for completions that are asked for again; 0: none is kept",
                                          .highest = 1 << 30});
}

template <typename Self, typename Field>
void ServerConfig::visit_detection(Self& self, Field& field) {
  using Info = FieldInfo;
  constexpr double kMany = 1 << 20;
  field(self.detection_max_sentences, Info{.name = "detection_max_sentences",
                                           .help = "most sentences in one detection request",
                                           .lowest = 1,
                                           .highest = kMany});
  field(self.detection_max_words,
        Info{.name = "detection_max_words", .help = "most words in a sentence", .lowest = 1, .highest = kMany});
  field(self.detection_inference_batch_size, Info{.name = "detection_inference_batch_size",
                                                  .help = "sentences that detection gives the model at once",
                                                  .lowest = 1,
                                                  .highest = kMany});
  field(self.detection_max_batch_tokens, Info{.name = "detection_max_batch_tokens",
                                              .help = "tokens that detection gives the model at once",
                                              .lowest = 1,
                                              .highest = 1 << 24});
  field(self.detection_label,
        Info{.name = "detection_label", .help = "the detector's label that means AI; empty: found by its name"});
  field(self.detection_cache_bytes, Info{.name = "detection_cache_bytes",
                                         .help = "memory for answers about the same sentences; 0: none",
                                         .highest = 1e12});
  field(self.detection_jobs_file,
        Info{.name = "detection_jobs_file",
             .help = "SQLite file of background jobs; empty: one in the user's state folder"});
  field(
      self.detection_job_hours,
      Info{.name = "detection_job_hours", .help = "how long an ended job is kept", .lowest = 0.0001, .highest = 87600});
  field(self.detection_max_jobs,
        Info{.name = "detection_max_jobs", .help = "unfinished jobs; more get 429", .lowest = 1, .highest = kMany});
  field(
      self.detection_max_job_sentences,
      Info{.name = "detection_max_job_sentences", .help = "most sentences in one job", .lowest = 1, .highest = kMany});
  field(self.detection_callback_hosts,
        Info{.name = "detection_callback_hosts",
             .help = "HOST or HOST:PORT, separated by commas, that jobs may call back; empty: none"});
  field(self.detection_callback_delay_seconds, Info{.name = "detection_callback_delay_seconds",
                                                    .help = "before a failed callback is tried again",
                                                    .lowest = 0.01,
                                                    .highest = 3600});
}

template <typename Self, typename Field>
void ServerConfig::visit_runtime(Self& self, Field& field) {
  using Info = FieldInfo;
  field(self.admin_key,
        Info{.name = "admin_key",
             .help = "key for loading and unloading models, sent as 'Authorization: Bearer KEY'; empty: nobody may",
             .secret = true});
  field(self.model_loading, Info{.name = "model_loading",
                                 .help = "when models are loaded: all at start, or each when it is first asked for",
                                 .choices = "at_start|when_asked"});
  field(self.memory_budget_mb, Info{.name = "memory_budget_mb",
                                    .help = "MiB that all models together may take; idle ones make room for others; 0: "
                                            "80 % of what the cgroup or the machine has",
                                    .highest = 1 << 30});
  field(self.breaker_slow_seconds, Info{.name = "breaker_slow_seconds",
                                        .help = "a request with at least so long until its deadline that misses it "
                                                "counts as a failure of the model",
                                        .lowest = 0.001,
                                        .highest = 86400});
  field(self.breaker_pause_seconds, Info{.name = "breaker_pause_seconds",
                                         .help = "that a model which keeps failing is left alone before one request "
                                                 "tries it again; doubles up to a minute while that fails, too",
                                         .lowest = 0.001,
                                         .highest = 60});
}

template <typename Self, typename Field>
void ServerConfig::visit_impact(Self& self, Field& field) {
  using Info = FieldInfo;
  field(self.impact_model_seconds, Info{.name = "impact_model_seconds",
                                        .help = "that the model of impact scoring may take for each 16 KiB of "
                                                "texts before keywords answer",
                                        .lowest = 0.001,
                                        .highest = 3600});
  field(self.impact_gate_without_keywords,
        Info{.name = "impact_gate_without_keywords",
             .help = "similarity that a text without keywords must reach; -1: as known for the model",
             .lowest = -1,
             .highest = 1});
  field(self.impact_gate_with_keywords, Info{.name = "impact_gate_with_keywords",
                                             .help = "the same for a text with keywords",
                                             .lowest = -1,
                                             .highest = 1});
  field(self.impact_router_threshold,
        Info{.name = "impact_router_threshold",
             .help = "score from which a message is routed through deliberation, before its intent moves it",
             .highest = 1});
  field(self.impact_model_sha256, Info{.name = "impact_model_sha256",
                                       .help = "use the model of impact scoring only if the weights that would be "
                                               "loaded have this SHA-256 (shards: all in order); empty: not checked"});
  field(self.impact_constitutional_hash, Info{.name = "impact_constitutional_hash",
                                              .help = "messages that carry another one are refused; empty: none is"});
  field(self.impact_text_fields,
        Info{.name = "impact_text_fields", .help = "members of a message that are text too, separated by commas"});
  field(self.impact_volume_window_seconds, Info{.name = "impact_volume_window_seconds",
                                                .help = "in which an agent's messages are counted; 0: forever",
                                                .highest = 86400});
  field(self.impact_max_agents,
        Info{.name = "impact_max_agents", .help = "agents that are remembered", .lowest = 1, .highest = 10'000'000});
  field(self.impact_cache_mb, Info{.name = "impact_cache_mb",
                                   .help = "MiB for the similarities of texts that were seen before; 0: none",
                                   .highest = 65536});
}

}  // namespace vivace
