// What the HTTP server counts. Names and labels are in metrics_dump.cc.
#pragma once

#include <array>
#include <cstddef>

#include "server/grpc_module.h"
#include "telemetry/metrics.h"

namespace vivace {

// One route's requests by the class of their answer's status: 2xx, 4xx, 5xx.
struct RouteStats {
  Counter succeeded;
  Counter refused;
  Counter failed;
  Histogram seconds{kLatencyBounds};  // from the request's last byte to the answer's, as far as the kernel took it
};

struct ServerStats {
  // Routes by their index in the table; the last stands for requests that fit no route.
  static constexpr size_t kMaxRoutes = 160;
  std::array<RouteStats, kMaxRoutes + 1> routes;

  std::array<RouteStats, kGrpcMethods.size()> grpc;  // in that order

  Gauge connections;
  Counter connections_accepted;
  Counter connections_refused;  // over max_connections
  Gauge requests_in_flight;
  Gauge body_bytes;        // that are held of bodies: requests' and answers'
  Counter received_bytes;  // of request bodies
  Counter sent_bytes;      // of response bodies
  Counter bad_requests;    // that could not be read as HTTP
  Counter timeouts;        // of heads, bodies and answers that took too long
  Counter disconnects;     // clients that left while their request ran
};

}  // namespace vivace
