// The module's GrpcServer: gRPC's own server with our two services, fed with connections that the program accepted.
#include <fcntl.h>
#include <unistd.h>

#include <mutex>

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>

#include "server/grpc/health_service.h"
#include "server/grpc/inference_service.h"
#include "server/grpc_module.h"

namespace vivace {
namespace {

constexpr int kMaxCallsOfAConnection = 256;

class AdoptingServer final : public GrpcServer {
 public:
  AdoptingServer(const GrpcServerOptions& options, KserveBackend& backend)
      : m_options(options), m_inference(backend, m_options), m_health(backend) {}
  ~AdoptingServer() override { shut_down(std::chrono::steady_clock::now()); }

  // False when gRPC would not start.
  bool start() {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.RegisterService(&m_inference);
    builder.RegisterService(&m_health);
    builder.SetMaxReceiveMessageSize(static_cast<int>(m_options.max_message_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(m_options.max_metadata_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsOfAConnection);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, static_cast<int>(m_options.idle_timeout.count()));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(m_options.ping_pause.count()));
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // as many as there are pauses
    // Messages that have not come to their end take memory as well.
    grpc::ResourceQuota quota("vivace");
    builder.SetResourceQuota(quota.Resize(m_options.memory_bytes));
    // What is small on the way may be large behind it: as over HTTP, nothing compressed is taken.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    m_server = builder.BuildAndStart();
    return m_server != nullptr;
  }

  void adopt(int socket) override {
    const std::scoped_lock lock(m_mutex);
    const int flags = fcntl(socket, F_GETFL);
    if (m_stopping || flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0) {
      ::close(socket);
      return;
    }
    grpc::AddInsecureChannelFromFd(m_server.get(), socket);
  }

  void shut_down(std::chrono::steady_clock::time_point deadline) override {
    {
      const std::scoped_lock lock(m_mutex);
      if (m_stopping) return;
      m_stopping = true;
    }
    m_health.stop();
    if (m_server == nullptr) return;
    m_server->Shutdown(std::chrono::system_clock::now() + (deadline - std::chrono::steady_clock::now()));
  }

 private:
  const GrpcServerOptions m_options;
  InferenceService m_inference;
  HealthService m_health;
  std::unique_ptr<grpc::Server> m_server;
  std::mutex m_mutex;
  bool m_stopping = false;  // guarded by m_mutex
};

void open_server(const GrpcServerOptions& options, KserveBackend& backend, GrpcServerResult* result) {
  auto server = std::make_unique<AdoptingServer>(options, backend);
  if (server->start()) {
    *result = std::move(server);
  } else {
    *result = error(StatusCode::kInternal, "gRPC's server cannot be started");
  }
}

}  // namespace
}  // namespace vivace

extern "C" __attribute__((visibility("default"))) void vivace_open_grpc_server(const vivace::GrpcServerOptions* options,
                                                                               vivace::KserveBackend* backend,
                                                                               vivace::GrpcServerResult* result) {
  // Held until the process ends: letting the library go waits up to ten seconds for what it has not put away.
  static std::once_flag once;
  std::call_once(once, grpc_init);
  vivace::open_server(*options, *backend, result);
}
