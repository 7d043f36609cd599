#include "server/serve_check.h"

#include <future>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "server/registry_options.h"
#include "store/store_check.h"

namespace vivace {
namespace {

using boost::asio::ip::tcp;

// Port 0: the configured one may be in use by the server that this configuration is for.
Result<void> check_host(const std::string& host) {
  boost::asio::io_context io;
  boost::system::error_code failed;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, "0", tcp::resolver::passive | tcp::resolver::numeric_service, failed);
  if (!failed) {
    const tcp::endpoint endpoint = found.begin()->endpoint();
    tcp::acceptor acceptor(io);
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.bind(endpoint, failed);
  }
  if (!failed) return {};
  return error(StatusCode::kUnavailable,
               "host: cannot listen on '" + host + "': " + failed.message() + "; choose another address with --host");
}

// By a registry of its own, so that the memory budget counts and all that can go wrong is told as the server would.
Result<void> check_model(const ModelSpec& spec, RegistryOptions options) {
  options.policy = LoadPolicy::kAtStart;
  ModelRegistry registry({spec}, std::move(options));
  std::promise<void> started;
  registry.start([&started] { started.set_value(); });
  started.get_future().wait();
  const ModelSnapshot model = registry.snapshot().front();
  if (model.state == ModelState::kReady) return {};
  return std::unexpected(model.failure.with_context("model '" + spec.name + "'"));
}

}  // namespace

std::vector<std::string> check_serving(const ServerConfig& config) {
  std::vector<std::string> problems;
  const auto note = [&problems](const Result<void>& checked) {
    if (!checked) problems.push_back(checked.error().message);
  };
  note(check_host(config.host));
  if (!config.evidence_store.empty()) {
    const auto store = check_evidence_store(config.evidence_store);
    note(store ? store : std::unexpected(store.error().with_context("evidence_store")));
  }
  if (!config.detection_jobs_file.empty()) {
    const auto file = check_store_file(config.detection_jobs_file);
    note(file ? file : std::unexpected(file.error().with_context("detection_jobs_file")));
  }
  const RegistryOptions options = registry_options(config);
  for (const ModelSpec& spec : config.models) note(check_model(spec, options));
  return problems;
}

}  // namespace vivace
