// grpc.health.v1.Health of the server as a whole and of the inference service, which are ready together.
#pragma once

#include <atomic>

#include <health.grpc.pb.h>
#include "server/grpc_module.h"

namespace vivace {

class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  explicit HealthService(KserveBackend& backend) : m_backend(backend) {}

  // Ends the watches, which would never end by themselves.
  void stop() { m_stopping = true; }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context, const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  KserveBackend& m_backend;
  std::atomic<bool> m_stopping{false};
};

}  // namespace vivace
