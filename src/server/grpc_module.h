// The shared module with gRPC in it, opened when the first client speaks HTTP/2: a program that is linked to gRPC
// starts 15 ms later and takes 7 MB more (measured with an empty main()), and most processes serve no gRPC.
//
// The module links nothing of ours, so that it does not bring second copies of the program's globals: it calls the
// program through KserveBackend.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "server/kserve_message.h"

namespace vivace {

// Name of the module's file; it lies beside the program.
inline constexpr const char* kGrpcModuleName = "libvivace_grpc.so";

struct GrpcServerOptions {
  size_t max_message_bytes = 0;               // of a request
  size_t max_texts = 0;                       // of a request
  size_t max_metadata_bytes = 0;              // of a call's header
  size_t memory_bytes = 0;                    // of all messages and buffers together
  std::chrono::milliseconds idle_timeout{0};  // after which a connection without calls is closed
  std::chrono::milliseconds ping_pause{0};    // after which a silent client with a call is asked whether it is there
  std::string version;                        // the program's
};

// A call's facts beside its message.
struct GrpcCall {
  std::string authorization;                                      // the metadatum of that name
  std::optional<std::chrono::steady_clock::time_point> deadline;  // the client's
  std::stop_token cancel;                                         // the client gave up, or went away
};

enum class GrpcOutcome { kSucceeded, kRefused, kFailed };

inline constexpr std::array<std::string_view, 8> kGrpcMethods = {
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer", "Check", "Watch"};

// What the service asks of the program. Thread-safe; never blocks. done is called once, on any thread.
class KserveBackend {
 public:
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  virtual ~KserveBackend() = default;
  virtual bool is_ready() const = 0;
  // Whether the call shows the API key, where one is configured.
  virtual bool has_access(const GrpcCall& call) const = 0;
  virtual Result<bool> is_model_ready(std::string_view model, std::string_view version) const = 0;
  virtual void describe_model(GrpcCall call, std::string model, std::string version,
                              Done<KserveModelMetadata> done) = 0;
  virtual void infer(GrpcCall call, KserveRequest request, Done<KserveResponse> done) = 0;
  // A call of the method, one of kGrpcMethods, was answered; seconds since it came.
  virtual void count(std::string_view method, GrpcOutcome outcome, double seconds) = 0;
};

// Thread-safe.
class GrpcServer {
 public:
  virtual ~GrpcServer() = default;  // shut_down() now
  // Serves the client at the other end of a connected stream socket, which it owns from here on.
  virtual void adopt(int socket) = 0;
  // Tells clients to go, lets their calls end and cancels what is left at the deadline. Connections that come later
  // are closed at once.
  virtual void shut_down(std::chrono::steady_clock::time_point deadline) = 0;
};

// The one symbol of the module. backend must outlive the server.
using GrpcServerResult = Result<std::unique_ptr<GrpcServer>>;
inline constexpr const char* kOpenGrpcServerSymbol = "vivace_open_grpc_server";
using OpenGrpcServer = void (*)(const GrpcServerOptions* options, KserveBackend* backend, GrpcServerResult* result);

}  // namespace vivace
