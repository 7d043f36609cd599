// gRPC on the server's own port: a connection that begins as HTTP/2 does is carried on to gRPC's server in its module
// (server/grpc_module.h), whose calls come back here and go the way of the REST routes.
#pragma once

#include <utility>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "server/grpc_module.h"
#include "server/route.h"

namespace vivace {

// A client with a call that is silent so long is asked whether it is still there; its answer counts as a sign of life.
inline constexpr std::chrono::seconds kGrpcPingPause{30};

// Thread-safe.
class GrpcFront final : public KserveBackend {
 public:
  // Calls run on io. Both, and whoever runs io, must outlive this.
  GrpcFront(ServerContext& context, boost::asio::io_context& io);
  ~GrpcFront() override;  // shut_down() now
  GrpcFront(const GrpcFront&) = delete;
  GrpcFront& operator=(const GrpcFront&) = delete;

  // A stream socket to gRPC's server, as a new client's. Opens the module when first called: kUnsupported where there
  // is none, kUnavailable after shut_down().
  Result<int> connect();
  // Lets the calls end until the deadline, cancels the rest. Blocks.
  void shut_down(std::chrono::steady_clock::time_point deadline);

  bool is_ready() const override;
  bool has_access(const GrpcCall& call) const override;
  Result<bool> is_model_ready(std::string_view model, std::string_view version) const override;
  void describe_model(GrpcCall call, std::string model, std::string version, Done<KserveModelMetadata> done) override;
  void infer(GrpcCall call, KserveRequest request, Done<KserveResponse> done) override;
  void count(std::string_view method, GrpcOutcome outcome, double seconds) override;

 private:
  Result<void> open();
  std::chrono::steady_clock::time_point deadline_of(const GrpcCall& call) const;
  boost::asio::awaitable<ApiResult<KserveModelMetadata>> await_description(GrpcCall call, std::string model,
                                                                           std::string version);
  boost::asio::awaitable<ApiResult<KserveResponse>> await_answer(GrpcCall call, KserveRequest request);

  ServerContext& m_context;
  boost::asio::io_context& m_io;
  std::mutex m_mutex;
  bool m_stopping = false;               // guarded by m_mutex
  std::unique_ptr<GrpcServer> m_server;  // guarded by m_mutex until it is there; null until the first client
};

}  // namespace vivace
