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
#include "runtime/model_registry.h"

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
  std::string log_level = "info";
  std::string log_format = "text";
  std::string api_key;
  int64_t completion_deadline_ms = 200;
  int64_t completion_cache_bytes = int64_t{32} << 20;
  std::string evidence_store;
  std::string rate_limits = "on";
  std::string tenant_keys;
  int64_t claims_workers = 5;
  int64_t claims_cache_bytes = int64_t{32} << 20;
  double task_lease_seconds = 30;
  double task_keep_seconds = 3600;

  // Calls field(value, FieldInfo) for each key, in the order of the documentation.
  template <typename Self, typename Field>
  static void visit(Self& self, Field&& field);
  template <typename Self, typename Field>
  static void visit_completion(Self& self, Field& field);
  template <typename Self, typename Field>
  static void visit_claims(Self& self, Field& field);
};

// Where values come from. A flag beats the environment, which beats the file, which beats the default.
struct ConfigSources {
  // The file's path; without one ./vivace.yaml is read when it exists.
  std::optional<std::string> file;
  // Name of the key and the texts given for it, in the order of the command line ("models" may have several).
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;
  // A variable's value or nullptr. By default the process's environment.
  std::function<const char*(const std::string&)> environment;
};

// Reads and checks everything. All problems are reported together, one a line, each with its path
// ("vivace.yaml: port: …", "VIVACE_PORT: …", "--port: …"). Paths of models are taken as written.
Result<ServerConfig> load_server_config(const ConfigSources& sources);

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
  field(self.isa, Info{.name = "isa", .help = "kernel table by name; empty: the best that the CPU has"});
  field(self.precision, Info{.name = "precision", .help = "arithmetic of the models", .choices = "auto|fp32"});
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
  field(
      self.log_level,
      Info{.name = "log_level", .help = "least level that is logged", .choices = "trace|debug|info|warning|error|off"});
  field(self.log_format, Info{.name = "log_format", .help = "form of the log lines", .choices = "text|json"});
  field(self.api_key, Info{.name = "api_key",
                           .help = "key that clients send as 'Authorization: Bearer KEY'; empty: none is asked",
                           .secret = true});
  visit_completion(self, field);
  visit_claims(self, field);
}

// Keys of code completion.
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
                                       "or NAME=REQUESTS,..."});
  field(self.tenant_keys, Info{.name = "tenant_keys",
                               .help = "TENANT=KEY,...: API keys that see one tenant's claims and evidence only",
                               .secret = true});
  field(
      self.claims_workers,
      Info{.name = "claims_workers", .help = "claims that are verified at the same time", .lowest = 1, .highest = 64});
  field(self.claims_cache_bytes,
        Info{.name = "claims_cache_bytes", .help = "for verdicts that are asked for again", .highest = 1e12});
  field(self.task_lease_seconds, Info{.name = "task_lease_seconds",
                                      .help = "after which another process takes over a background task",
                                      .lowest = 0.1,
                                      .highest = kMaxSeconds});
  field(self.task_keep_seconds, Info{.name = "task_keep_seconds",
                                     .help = "that results of background tasks are kept",
                                     .highest = 365 * kMaxSeconds});
}

}  // namespace vivace
