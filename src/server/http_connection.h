// One client's connection: reads requests one after the other, has them handled, writes the answers in order.
//
// Lives on its socket's executor (a strand); run() is spawned there, drain() and stop() may be called from any thread.
// Every wait has a time limit. While a request runs, the connection watches whether its client goes away: a reset
// cancels at once; a closed sending side (which a client may do legitimately and still wait) cancels after
// kHalfCloseGrace, so that an abandoned request does not stay in the queue.
#pragma once

#include <utility>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "server/dispatch.h"
#include "server/held_bytes.h"
#include "server/http2_relay.h"
#include "server/request_scope.h"
#include "server/route.h"
#include "server/wait_deadline.h"

namespace vivace {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  static constexpr std::chrono::milliseconds kHalfCloseGrace{1000};
  static constexpr std::chrono::milliseconds kLingerTime{1000};

  HttpConnection(boost::asio::ip::tcp::socket socket, ServerContext& server);

  // Serves until either side closes.
  boost::asio::awaitable<void> run();

  // Closes now when no request is being read or handled, else after its answer; a client of gRPC's without a call has
  // kLingerTime to close itself.
  void drain();
  // Cancels and closes now.
  void stop();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Clock = WaitDeadline::Clock;
  using Error = boost::system::error_code;
  enum class Next { kKeepAlive, kClose, kLinger };  // kLinger: close once the client has had time to read the answer

  boost::asio::awaitable<bool> wait_for_request();
  // Whether the client speaks HTTP/2, which is known from its first bytes.
  boost::asio::awaitable<bool> speaks_http2();
  boost::asio::awaitable<void> serve_http2();
  boost::asio::awaitable<void> refuse_http2(const Status& reason);
  Clock::duration silence_limit();
  void set_relay_deadline(Clock::duration from_now);
  boost::asio::awaitable<Next> serve_one();
  boost::asio::awaitable<Next> serve_admitted(Admission& admission, Parser& parser);
  boost::asio::awaitable<Next> answer_unread(const Admission& admission, Parser& parser);
  boost::asio::awaitable<Next> fail_reading(Error error, const Admission& admission);
  boost::asio::awaitable<HttpResponse> run_handler(const Admission& admission);
  boost::asio::awaitable<Next> respond(RequestScope& scope, const Admission& admission, const HttpResponse& response,
                                       Next next);
  boost::asio::awaitable<Next> respond_in_pieces(RequestScope& scope, const Admission& admission,
                                                 const HttpResponse& response, Next next);
  boost::asio::awaitable<Error> write_pieces(BodyStream& stream);
  void skip_empty_lines();
  boost::asio::awaitable<Error> read_head(Parser& parser);
  boost::asio::awaitable<Error> read_body(Parser& parser);
  bool has_room(bool is_whole) const;
  boost::asio::awaitable<Error> read_more(size_t bytes);
  boost::asio::awaitable<Error> write_continue();
  boost::asio::awaitable<void> linger();
  int unread_by_client();

  void cancel_waits();
  void start_watching();
  void stop_watching();
  void on_readable();
  void cancel_request();
  void close();

  boost::asio::ip::tcp::socket m_socket;
  ServerContext& m_server;
  std::string m_client;  // the other end's address
  boost::beast::flat_buffer m_buffer;
  WaitDeadline m_deadline;
  bool m_head_has_deadline = false;          // which runs since the first bytes of the first request
  bool m_no_room = false;                    // for the body of the current request
  bool m_idle = false;                       // between two requests
  bool m_closing = false;                    // after the current answer
  unsigned m_http_version = 11;              // of the current request
  std::optional<std::stop_source> m_cancel;  // of the request that runs
  std::optional<Http2Relay> m_relay;         // while the client is gRPC's
  HeldBytes m_held;                          // of the current request and its answer
  uint64_t m_watch = 0;                      // counts watches, so that a late event meets no other request
  boost::asio::steady_timer m_grace;
};

}  // namespace vivace
