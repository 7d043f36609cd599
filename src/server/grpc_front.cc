#include "server/grpc_front.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>

#include "base/log.h"
#include "base/program_module.h"
#include "server/dispatch.h"
#include "server/kserve_call.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

// Longest messages that may be under way together.
constexpr size_t kMessagesAtOnce = 16;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// Without some descriptors of its own gRPC ends the process as it starts.
Result<void> check_descriptors() {
  constexpr size_t kNeeded = 24;
  std::vector<int> taken;
  while (taken.size() < kNeeded) {
    const int descriptor = eventfd(0, EFD_CLOEXEC);
    if (descriptor < 0) break;
    taken.push_back(descriptor);
  }
  for (const int descriptor : taken) close(descriptor);
  if (taken.size() == kNeeded) return {};
  return error(StatusCode::kUnavailable, "no file descriptors are left for gRPC; raise the limit (ulimit -n)");
}

std::string what(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

template <typename T>
Result<T> plain(ApiResult<T> result) {
  if (result) return std::move(*result);
  return std::unexpected(std::move(result.error().status));
}

// Runs a call's coroutine and gives its answer to done; an exception (no memory, or a bug) is logged and answered.
template <typename T>
void spawn(asio::io_context& io, asio::awaitable<ApiResult<T>> call, KserveBackend::Done<T> done) {
  asio::co_spawn(asio::make_strand(io), std::move(call),
                 [done = std::move(done)](const std::exception_ptr& failure, ApiResult<T> answer) {
                   if (failure) {
                     log_error("a gRPC call failed: {}", what(failure));
                     return done(error(StatusCode::kInternal, "the server failed; its log says why"));
                   }
                   if (!answer && http_status_of(answer.error()) >= 500) {
                     log_debug("gRPC: {}", answer.error().status.message);
                   }
                   done(plain(std::move(answer)));
                 });
}

}  // namespace

GrpcFront::GrpcFront(ServerContext& context, asio::io_context& io) : m_context(context), m_io(io) {}

GrpcFront::~GrpcFront() {
  shut_down(std::chrono::steady_clock::now());
}

Result<void> GrpcFront::open() {
  RETURN_IF_ERROR(check_descriptors());
  // Found anew each time: what was in the way may be gone.
  ASSIGN_OR_RETURN(void* const symbol,
                   open_program_module({.path = program_module_path(kGrpcModuleName),
                                        .symbol = kOpenGrpcServerSymbol,
                                        .needed_for = "clients that speak HTTP/2 need gRPC",
                                        .what_to_do = "install libgrpc++-dev and protobuf-compiler-grpc (`make deps`) "
                                                      "and build again"}));
  const ServerConfig& config = m_context.config;
  const GrpcServerOptions options = {.max_message_bytes = static_cast<size_t>(config.max_body_bytes),
                                     .max_texts = static_cast<size_t>(config.max_texts_per_request),
                                     .max_metadata_bytes = static_cast<size_t>(config.max_header_bytes),
                                     .memory_bytes = kMessagesAtOnce * static_cast<size_t>(config.max_body_bytes),
                                     .idle_timeout = milliseconds(config.idle_timeout_seconds),
                                     .ping_pause = kGrpcPingPause,
                                     .version = VIVACE_VERSION};
  GrpcServerResult opened;
  reinterpret_cast<OpenGrpcServer>(symbol)(&options, this, &opened);
  ASSIGN_OR_RETURN(m_server, std::move(opened));
  return {};
}

Result<int> GrpcFront::connect() {
  const std::scoped_lock lock(m_mutex);
  if (m_stopping) return error(StatusCode::kUnavailable, "the server is shutting down");
  if (m_server == nullptr) RETURN_IF_ERROR(open());
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return error(StatusCode::kUnavailable, std::string("no socket for a gRPC client: ") + std::strerror(errno));
  }
  m_server->adopt(ends[0]);
  return ends[1];
}

void GrpcFront::shut_down(std::chrono::steady_clock::time_point deadline) {
  {
    const std::scoped_lock lock(m_mutex);
    m_stopping = true;
  }
  if (m_server != nullptr) m_server->shut_down(deadline);
}

bool GrpcFront::is_ready() const {
  return !m_context.draining && m_context.models.all_ready();
}

bool GrpcFront::has_access(const GrpcCall& call) const {
  return shows_api_key(call.authorization, m_context.config);
}

Result<bool> GrpcFront::is_model_ready(std::string_view model, std::string_view version) const {
  return plain(is_kserve_model_ready(m_context, model, version));
}

std::chrono::steady_clock::time_point GrpcFront::deadline_of(const GrpcCall& call) const {
  const ServerConfig& config = m_context.config;
  const auto now = std::chrono::steady_clock::now();
  if (!call.deadline) return now + milliseconds(config.request_timeout_seconds);
  return std::min(*call.deadline, now + milliseconds(config.max_request_timeout_seconds));
}

asio::awaitable<ApiResult<KserveModelMetadata>> GrpcFront::await_description(GrpcCall call, std::string model,
                                                                             std::string version) {
  const HttpRequest none;
  RequestContext context{
      .request = none, .server = m_context, .deadline = deadline_of(call), .cancel = std::move(call.cancel)};
  co_return co_await describe_kserve_model(context, std::move(model), std::move(version));
}

asio::awaitable<ApiResult<KserveResponse>> GrpcFront::await_answer(GrpcCall call, KserveRequest request) {
  const HttpRequest none;
  RequestContext context{
      .request = none, .server = m_context, .deadline = deadline_of(call), .cancel = std::move(call.cancel)};
  auto answer = co_await answer_kserve(context, std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return std::move(answer->response);
}

void GrpcFront::describe_model(GrpcCall call, std::string model, std::string version, Done<KserveModelMetadata> done) {
  spawn(m_io, await_description(std::move(call), std::move(model), std::move(version)), std::move(done));
}

void GrpcFront::infer(GrpcCall call, KserveRequest request, Done<KserveResponse> done) {
  spawn(m_io, await_answer(std::move(call), std::move(request)), std::move(done));
}

void GrpcFront::count(std::string_view method, GrpcOutcome outcome, double seconds) {
  const auto known = std::ranges::find(kGrpcMethods, method);
  if (known == kGrpcMethods.end()) return;
  RouteStats& stats = m_context.stats.grpc[static_cast<size_t>(known - kGrpcMethods.begin())];
  stats.seconds.observe(seconds);
  switch (outcome) {
    case GrpcOutcome::kSucceeded: return stats.succeeded.add();
    case GrpcOutcome::kRefused: return stats.refused.add();
    case GrpcOutcome::kFailed: return stats.failed.add();
  }
}

}  // namespace vivace
