// Carries an HTTP/2 connection on to gRPC's server: bytes in both directions, untouched, so that this server's limits
// on connections hold for all of them.
#pragma once

#include <utility>

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/status.h"

namespace vivace {

// What every HTTP/2 connection begins with (RFC 9113, 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class RelayStep { kWaiting, kWriting };  // for bytes of either side; for the client to take some

struct Http2Relay {
  boost::asio::ip::tcp::socket& client;
  int server = -1;                         // a connected stream socket, owned from here on
  std::string first;                       // what the client has sent already
  std::function<void(RelayStep)> on_step;  // before each step: for time limits
};

// Returns when both sides have closed, or the client's socket was cancelled.
boost::asio::awaitable<void> relay_http2(Http2Relay relay);

}  // namespace vivace
