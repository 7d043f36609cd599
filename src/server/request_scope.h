// Counts one request exactly once, however its handling ends.
#pragma once

#include <chrono>
#include <cstddef>

#include "server/server_stats.h"

namespace vivace {

class RequestScope {
 public:
  RequestScope(ServerStats& stats, size_t route)
      : m_stats(stats), m_route(stats.routes[route]), m_start(std::chrono::steady_clock::now()) {
    m_stats.requests_in_flight.add(1);
  }
  ~RequestScope() {
    m_stats.requests_in_flight.add(-1);
    m_route.seconds.observe(seconds());
    if (m_status >= 500) {
      m_route.failed.add();
    } else if (m_status >= 400) {
      m_route.refused.add();
    } else {
      m_route.succeeded.add();
    }
  }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  void set_status(int status) { m_status = status; }
  std::chrono::steady_clock::time_point start() const { return m_start; }
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count(); }

 private:
  ServerStats& m_stats;
  RouteStats& m_route;
  std::chrono::steady_clock::time_point m_start;
  int m_status = 500;  // until an answer was made
};

}  // namespace vivace
