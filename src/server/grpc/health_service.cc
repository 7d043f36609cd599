#include "server/grpc/health_service.h"

#include <chrono>

#include <grpcpp/alarm.h>

#include "server/grpc/call.h"

namespace vivace {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// How soon a watch tells that something has changed.
constexpr std::chrono::milliseconds kWatchPause{250};

bool is_known(const std::string& service) {
  return service.empty() || service == "inference.GRPCInferenceService" || service == "grpc.health.v1.Health";
}

HealthCheckResponse::ServingStatus serving_status(const KserveBackend& backend) {
  return backend.is_ready() ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

// Looks again after each pause and tells what is new. Either a write or the alarm is under way, never both, and the
// thread that it ends on does what comes next. Deletes itself once the call is over.
class Watcher final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watcher(KserveBackend& backend, const std::atomic<bool>& stopping, bool is_known_service)
      : m_backend(backend),
        m_stopping(stopping),
        m_is_known(is_known_service),
        m_start(std::chrono::steady_clock::now()) {
    tell(status());
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return end();
    wait();
  }
  void OnCancel() override { m_cancelled = true; }  // the next look sees it
  void OnDone() override { delete this; }

 private:
  HealthCheckResponse::ServingStatus status() const {
    return m_is_known ? serving_status(m_backend) : HealthCheckResponse::SERVICE_UNKNOWN;
  }

  void tell(HealthCheckResponse::ServingStatus status) {
    m_response.set_status(status);
    StartWrite(&m_response);
  }

  void wait() {
    m_alarm.Set(std::chrono::system_clock::now() + kWatchPause, [this](bool) { look(); });
  }

  void look() {
    if (m_cancelled || m_stopping) return end();
    if (const auto now = status(); now != m_response.status()) return tell(now);
    wait();
  }

  void end() {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - m_start;
    m_backend.count("Watch", GrpcOutcome::kSucceeded, seconds.count());
    Finish({grpc::StatusCode::UNAVAILABLE, "the watch has ended"});
  }

  KserveBackend& m_backend;
  const std::atomic<bool>& m_stopping;
  const bool m_is_known;
  const std::chrono::steady_clock::time_point m_start;
  HealthCheckResponse m_response;
  std::atomic<bool> m_cancelled{false};
  grpc::Alarm m_alarm;
};

}  // namespace

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context, const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  auto* const call = new UnaryCall(m_backend, "Check", context);
  if (is_known(request->service())) {
    response->set_status(serving_status(m_backend));
    call->succeed();
  } else {
    call->fail({StatusCode::kNotFound, "no such service is here"});
  }
  return call;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(grpc::CallbackServerContext*,
                                                                    const HealthCheckRequest* request) {
  return new Watcher(m_backend, m_stopping, is_known(request->service()));
}

}  // namespace vivace
