// inference.GRPCInferenceService. Answers nothing by itself: everything is asked of the program.
#pragma once

#include <string>

#include <inference.grpc.pb.h>
#include "server/grpc_module.h"

namespace vivace {

class InferenceService final : public inference::GRPCInferenceService::CallbackService {
 public:
  // Both must outlive the service.
  InferenceService(KserveBackend& backend, const GrpcServerOptions& options) : m_backend(backend), m_options(options) {}

  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* context,
                                       const inference::ServerLiveRequest* request,
                                       inference::ServerLiveResponse* response) override;
  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* context,
                                        const inference::ServerReadyRequest* request,
                                        inference::ServerReadyResponse* response) override;
  grpc::ServerUnaryReactor* ModelReady(grpc::CallbackServerContext* context,
                                       const inference::ModelReadyRequest* request,
                                       inference::ModelReadyResponse* response) override;
  grpc::ServerUnaryReactor* ServerMetadata(grpc::CallbackServerContext* context,
                                           const inference::ServerMetadataRequest* request,
                                           inference::ServerMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* context,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const inference::ModelInferRequest* request,
                                       inference::ModelInferResponse* response) override;

 private:
  KserveBackend& m_backend;
  const GrpcServerOptions& m_options;
};

}  // namespace vivace
