// One unary call: its facts, and how its end is told and counted, exactly once.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "server/grpc_module.h"

namespace vivace {

inline grpc::StatusCode grpc_code(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kTooLarge:
    case StatusCode::kUnsupported: return grpc::StatusCode::INVALID_ARGUMENT;
    case StatusCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case StatusCode::kOverloaded: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case StatusCode::kDeadlineExceeded: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case StatusCode::kCancelled: return grpc::StatusCode::CANCELLED;
    case StatusCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
    case StatusCode::kCorruptFile:
    case StatusCode::kInternal: break;
  }
  return grpc::StatusCode::INTERNAL;
}

inline GrpcOutcome outcome_of(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return GrpcOutcome::kSucceeded;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED: return GrpcOutcome::kFailed;
    default: return GrpcOutcome::kRefused;
  }
}

// A message travels in a header, which clients limit to 8 KB: one that quotes the request must not lose its code there.
inline std::string header_text(const std::string& message) {
  constexpr size_t kMostBytes = 1000;
  std::string text = message.size() <= kMostBytes ? message : message.substr(0, kMostBytes - 3) + "...";
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

// Deletes itself once the call is over.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(KserveBackend& backend, std::string_view method, grpc::CallbackServerContext* context)
      : m_backend(backend), m_method(method), m_context(context), m_start(std::chrono::steady_clock::now()) {}

  GrpcCall facts() {
    GrpcCall call;
    const auto& metadata = m_context->client_metadata();
    if (const auto key = metadata.find("authorization"); key != metadata.end()) {
      call.authorization.assign(key->second.data(), key->second.size());
    }
    // Of a day or less: longer ones are none, and may be more than a clock can count.
    const gpr_timespec left = gpr_convert_clock_type(m_context->raw_deadline(), GPR_TIMESPAN);
    if (left.tv_sec < 86400) {
      call.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(std::max<int64_t>(left.tv_sec, -1)) +
                      std::chrono::nanoseconds(left.tv_nsec);
    }
    call.cancel = m_stop.get_token();
    return call;
  }

  void succeed() { finish(grpc::Status::OK); }
  void fail(const Status& status) {
    const grpc::Status failure(grpc_code(status.code), header_text(status.message));
    const bool may_help = failure.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
                          failure.error_code() == grpc::StatusCode::UNAVAILABLE;
    if (may_help && status.retry_after_seconds > 0) {
      m_context->AddTrailingMetadata("retry-after", std::to_string(status.retry_after_seconds));
    }
    finish(failure);
  }
  // Answers who shows no key; false: the call is over.
  bool check_access() {
    if (m_backend.has_access(facts())) return true;
    finish({grpc::StatusCode::UNAUTHENTICATED,
            "the API key is missing or wrong; send the metadatum 'authorization: Bearer KEY'"});
    return false;
  }
  void finish(const grpc::Status& status) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - m_start;
    m_backend.count(m_method, outcome_of(status), seconds.count());
    Finish(status);
  }

  void OnCancel() override { m_stop.request_stop(); }
  void OnDone() override { delete this; }

 private:
  KserveBackend& m_backend;
  std::string_view m_method;
  grpc::CallbackServerContext* m_context;
  std::chrono::steady_clock::time_point m_start;
  std::stop_source m_stop;
};

}  // namespace vivace
