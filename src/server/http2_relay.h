// Carries an HTTP/2 connection on to gRPC's server: bytes in both directions, untouched, so that this server's limits
// on connections hold for all of them.
#pragma once

#include <utility>

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "server/http2_guard.h"

namespace vivace {

// Bytes of the client; to it: begun, taken, no more; drain() was called.
enum class RelayStep { kReceived, kWriting, kWritten, kClosed, kDraining };

// Lives on the client's executor.
class Http2Relay {
 public:
  // server: a connected stream socket, owned from here on. client must outlive the relay.
  Http2Relay(boost::asio::ip::tcp::socket& client, int server, Http2Limits limits);

  // Returns when both sides have closed, or cancel() was called: a Status where the client was sent away.
  //   first    what the client has sent already
  //   on_step  called at each step, for time limits
  boost::asio::awaitable<Result<void>> run(std::string first, std::function<void(RelayStep)> on_step);

  // An operation that has just ended, or goes on in parts, may escape it: call it again until run() returns.
  void cancel();
  // The server is told to stop, and gRPC tells the client: what is_idle() need not stay for long.
  void drain() { m_on_step(RelayStep::kDraining); }
  // Whether no call waits for its answer.
  bool is_idle() const { return m_guard.is_idle(); }
  // When something that the client has begun must have arrived; max() when nothing is awaited.
  Http2Guard::Clock::time_point deadline() const { return m_guard.deadline(); }

 private:
  boost::asio::awaitable<void> carry_requests(std::string first);
  boost::asio::awaitable<void> carry_answers();

  boost::asio::ip::tcp::socket& m_client;
  boost::asio::local::stream_protocol::socket m_server;
  Http2Guard m_guard;
  std::function<void(RelayStep)> m_on_step;
  bool m_is_cancelled = false;
  Result<void> m_outcome;
};

}  // namespace vivace
