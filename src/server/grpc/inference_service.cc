#include "server/grpc/inference_service.h"

#include <exception>
#include <string>
#include <utility>

#include "server/grpc/call.h"
#include "server/grpc/infer_messages.h"

namespace vivace {
namespace {

// Writes an answer's message and ends the call. Large answers may find no memory, and nothing may be thrown at the
// thread that brings them.
template <typename Write>
void answer(UnaryCall* call, Write write) {
  try {
    write();
  } catch (const std::exception& exception) {
    return call->fail({StatusCode::kInternal, std::string("the answer cannot be written: ") + exception.what()});
  }
  call->succeed();
}

}  // namespace

grpc::ServerUnaryReactor* InferenceService::ServerLive(grpc::CallbackServerContext* context,
                                                       const inference::ServerLiveRequest*,
                                                       inference::ServerLiveResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ServerLive", context);
  response->set_live(true);
  call->succeed();
  return call;
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(grpc::CallbackServerContext* context,
                                                        const inference::ServerReadyRequest*,
                                                        inference::ServerReadyResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ServerReady", context);
  response->set_ready(m_backend.is_ready());
  call->succeed();
  return call;
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(grpc::CallbackServerContext* context,
                                                       const inference::ModelReadyRequest* request,
                                                       inference::ModelReadyResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ModelReady", context);
  if (!call->check_access()) return call;
  const auto is_ready = m_backend.is_model_ready(request->name(), request->version());
  if (is_ready) {
    response->set_ready(*is_ready);
    call->succeed();
  } else {
    call->fail(is_ready.error());
  }
  return call;
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(grpc::CallbackServerContext* context,
                                                           const inference::ServerMetadataRequest*,
                                                           inference::ServerMetadataResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ServerMetadata", context);
  if (!call->check_access()) return call;
  response->set_name(std::string(kKserveServerName));
  response->set_version(m_options.version);
  call->succeed();
  return call;
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(grpc::CallbackServerContext* context,
                                                          const inference::ModelMetadataRequest* request,
                                                          inference::ModelMetadataResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ModelMetadata", context);
  if (!call->check_access()) return call;
  m_backend.describe_model(call->facts(), request->name(), request->version(),
                           [call, response](const Result<KserveModelMetadata>& metadata) {
                             if (!metadata) return call->fail(metadata.error());
                             answer(call, [&] { write_model_metadata(*metadata, response); });
                           });
  return call;
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(grpc::CallbackServerContext* context,
                                                       const inference::ModelInferRequest* request,
                                                       inference::ModelInferResponse* response) {
  auto* const call = new UnaryCall(m_backend, "ModelInfer", context);
  if (!call->check_access()) return call;
  auto read = read_infer_request(*request, m_options.max_texts);
  if (!read) {
    call->fail(read.error());
    return call;
  }
  m_backend.infer(call->facts(), std::move(*read),
                  [call, response, form = tensor_form(*request)](const Result<KserveResponse>& answered) {
                    if (!answered) return call->fail(answered.error());
                    answer(call, [&] { write_infer_response(*answered, form, response); });
                  });
  return call;
}

}  // namespace vivace
