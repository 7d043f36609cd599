#include "server/http_connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <fmt/format.h>

#include "base/log.h"
#include "server/body_stream.h"
#include "server/broken_head.h"
#include "server/error_table.h"
#include "server/grpc_front.h"
#include "server/http2_relay.h"
#include "server/request_head.h"
#include "server/response_head.h"

namespace vivace {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kHeadReadBytes = 4096;
constexpr size_t kBodyReadBytes = 65536;
constexpr uint64_t kMaxDiscardedBytes = 65536;  // of a refused request's body, to keep its connection
// All bodies together take as much as so many of the longest; twice as much where one is short or there already, so
// that those who send long ones do not keep out the others.
constexpr size_t kLongestBodies = 16;
constexpr size_t kShortBodyBytes = 65536;
constexpr std::string_view kEmptyLine = "\r\n";

std::chrono::steady_clock::duration seconds(double value) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(value));
}

}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, ServerContext& server)
    : m_socket(std::move(socket)),
      m_server(server),
      m_buffer(static_cast<size_t>(server.config.max_header_bytes) + 2 * kBodyReadBytes),
      m_deadline(m_socket.get_executor()),
      m_held(server.stats.body_bytes),
      m_grace(m_socket.get_executor()) {}

asio::awaitable<void> HttpConnection::run() {
  const auto self = shared_from_this();
  m_deadline.start(self, [this] { cancel_waits(); });
  Error ignored;
  m_socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (const auto peer = m_socket.remote_endpoint(ignored); !ignored) m_client = peer.address().to_string();
  Next next = Next::kClose;
  if (co_await wait_for_request()) {
    next = Next::kKeepAlive;
    if (co_await speaks_http2()) {
      co_await serve_http2();
      next = Next::kClose;
    }
  }
  while (next == Next::kKeepAlive) {
    const bool arrived = co_await wait_for_request();
    if (!arrived) break;
    next = co_await serve_one();
    m_held.set(0);
  }
  if (next != Next::kClose) co_await linger();
  close();
}

asio::awaitable<bool> HttpConnection::wait_for_request() {
  skip_empty_lines();
  if (m_buffer.size() > 0) co_return true;
  if (m_closing) co_return false;
  m_idle = true;
  m_deadline.set(seconds(m_server.config.idle_timeout_seconds));
  Error error;
  while (!error && m_buffer.size() == 0) {
    error = co_await read_more(kHeadReadBytes);
    skip_empty_lines();
  }
  m_idle = false;
  co_return !error;
}

asio::awaitable<bool> HttpConnection::speaks_http2() {
  if (m_server.grpc == nullptr) co_return false;
  const auto begins = [this] {
    const auto data = m_buffer.data();
    return std::string_view(static_cast<const char*>(data.data()), data.size()).substr(0, kHttp2Preface.size());
  };
  Error error;
  m_deadline.set(seconds(m_server.config.header_timeout_seconds));
  m_head_has_deadline = true;
  while (!error && begins().size() < kHttp2Preface.size() && kHttp2Preface.starts_with(begins())) {
    error = co_await read_more(kHeadReadBytes);
  }
  co_return begins() == kHttp2Preface;
}

// Not in HTTP/2, which would be taken for a server that is there: gRPC's clients would come again at once, for ever.
asio::awaitable<void> HttpConnection::refuse_http2(const Status& reason) {
  log_warning("{} spoke HTTP/2: {}", m_client, reason.message);
  const HttpResponse response =
      error_response(ApiFamily::kKserve, http_error(505, "http2_not_supported", reason.message));
  const std::string refusal = format_response_head(response, "none", 0, AfterAnswer::kClose) + response.body;
  m_deadline.set(seconds(m_server.config.write_timeout_seconds));
  co_await asio::async_write(m_socket, asio::buffer(refusal), kTuple);
  co_await linger();
}

asio::awaitable<void> HttpConnection::serve_http2() {
  const Result<int> server = m_server.grpc->connect();
  if (!server) co_return co_await refuse_http2(server.error());
  const ServerConfig& config = m_server.config;
  m_relay.emplace(m_socket, *server,
                  Http2Limits{.header_bytes = static_cast<size_t>(config.max_header_bytes),
                              .body_time = seconds(config.body_timeout_seconds)});
  const auto data = m_buffer.data();
  std::string first(static_cast<const char*>(data.data()), data.size());
  m_buffer.clear();
  bool is_writing = false;  // and what the client sends meanwhile gives it no more time to read
  bool is_closed = false;
  const Result<void> served = co_await m_relay->run(std::move(first), [&](RelayStep step) {
    const bool is_about_writing = step != RelayStep::kReceived && step != RelayStep::kDraining;
    if (m_deadline.has_passed() || is_closed || (is_writing && !is_about_writing)) return;
    is_closed = step == RelayStep::kClosed;
    if (is_closed) return m_deadline.set(kLingerTime);
    is_writing = step == RelayStep::kWriting;
    set_relay_deadline(is_writing ? seconds(config.write_timeout_seconds) : silence_limit());
  });
  m_relay.reset();
  if (!served) log_info("{} is sent away from gRPC: {}", m_client, served.error().message);
  if (m_deadline.has_passed() && !is_closed && !m_closing) m_server.stats.timeouts.add();
}

// gRPC closes connections that nobody calls on, and asks who is silent; this is for clients that are gone without a
// word. While the server stops, gRPC would wait long for each of them to take its leave.
HttpConnection::Clock::duration HttpConnection::silence_limit() {
  if (m_closing && m_relay->is_idle() && unread_by_client() == 0) return kLingerTime;
  return seconds(m_server.config.max_request_timeout_seconds + m_server.config.idle_timeout_seconds) +
         2 * kGrpcPingPause;
}

// Or sooner, where a call's message must have come by then.
void HttpConnection::set_relay_deadline(Clock::duration from_now) {
  const auto now = Clock::now();
  m_deadline.set(std::min<Clock::duration>(from_now, std::max(m_relay->deadline(), now) - now));
}

asio::awaitable<HttpConnection::Next> HttpConnection::serve_one() {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(m_server.config.max_header_bytes));
  parser.body_limit(static_cast<uint64_t>(m_server.config.max_body_bytes));
  const Error error = co_await read_head(parser);
  if (error) {
    RequestHead head = read_request_head(parser.get());
    const auto rest = m_buffer.data();
    complete_broken_head({static_cast<const char*>(rest.data()), rest.size()}, &head);
    const Admission admission = admit(head, m_server);
    co_return co_await fail_reading(error, admission);
  }
  Admission admission = admit(read_request_head(parser.get()), m_server);
  admission.request.client = m_client;
  if (const auto bad = check_framing(parser.get())) {
    RequestScope scope(m_server.stats, admission.route_index);
    const HttpResponse response = error_response(admission.family, *bad, admission.request.id);
    co_return co_await respond(scope, admission, response, Next::kLinger);
  }
  if (admission.route == nullptr) co_return co_await answer_unread(admission, parser);
  co_return co_await serve_admitted(admission, parser);
}

// The head decided already. A short body is read over so that the connection can stay; before a long one it closes.
asio::awaitable<HttpConnection::Next> HttpConnection::answer_unread(const Admission& admission, Parser& parser) {
  RequestScope scope(m_server.stats, admission.route_index);
  Next next = parser.keep_alive() ? Next::kKeepAlive : Next::kLinger;
  if (!parser.is_done()) {
    const auto length = parser.content_length();
    const bool is_short = length && *length <= kMaxDiscardedBytes && parser.get().count(http::field::expect) == 0;
    Error error = make_error_code(http::error::body_limit);
    if (is_short) error = co_await read_body(parser);
    if (error) next = Next::kLinger;
  }
  co_return co_await respond(scope, admission, admission.answer, next);
}

asio::awaitable<HttpConnection::Next> HttpConnection::serve_admitted(Admission& admission, Parser& parser) {
  if (!parser.is_done()) {
    Error error;
    if (parser.get().count(http::field::expect) > 0) error = co_await write_continue();
    if (!error) error = co_await read_body(parser);
    if (error) co_return co_await fail_reading(error, admission);
  }
  const Next next = parser.keep_alive() ? Next::kKeepAlive : Next::kLinger;
  admission.request.body = std::move(parser.get().body());
  m_server.stats.received_bytes.add(admission.request.body.size());
  m_http_version = parser.get().version();
  RequestScope scope(m_server.stats, admission.route_index);
  const HttpResponse response = co_await run_handler(admission);
  if (response.stream != nullptr) co_return co_await respond_in_pieces(scope, admission, response, next);
  co_return co_await respond(scope, admission, response, next);
}

asio::awaitable<HttpConnection::Next> HttpConnection::fail_reading(Error error, const Admission& admission) {
  RequestScope scope(m_server.stats, admission.route_index);
  if (m_deadline.has_passed()) {
    m_server.stats.timeouts.add();
    const HttpResponse response = error_response(
        admission.family, http_error(408, "request_timeout", "the request did not arrive in time; send it faster"),
        admission.request.id);
    co_return co_await respond(scope, admission, response, Next::kLinger);
  }
  if (m_no_room) {
    m_no_room = false;
    const ApiError overloaded(StatusCode::kOverloaded, "too many long requests and answers at once; try again later");
    co_return co_await respond(scope, admission, error_response(admission.family, overloaded, admission.request.id),
                               Next::kLinger);
  }
  m_server.stats.bad_requests.add();
  if (!is_http_error(error) && error != asio::error::eof) {
    scope.set_status(499);
    co_return Next::kClose;  // the connection is broken: nobody would read an answer
  }
  const HttpResponse response = error_response(admission.family, reading_error(error), admission.request.id);
  co_return co_await respond(scope, admission, response, Next::kLinger);
}

asio::awaitable<HttpResponse> HttpConnection::run_handler(const Admission& admission) {
  // Only a handler that waits gives the client time to leave.
  const bool waits = std::holds_alternative<WaitingHandler>(admission.route->handler);
  if (waits) start_watching();
  // A variable of its own: g++ 12 destroys temporaries of ?: twice inside a co_await expression.
  const std::stop_token cancel = waits ? m_cancel->get_token() : std::stop_token();
  HttpResponse response = co_await handle(admission, m_server, cancel);
  // While a body is made piece by piece its client may still leave.
  if (waits && response.stream == nullptr) stop_watching();
  co_return response;
}

asio::awaitable<HttpConnection::Next> HttpConnection::respond(RequestScope& scope, const Admission& admission,
                                                              const HttpResponse& response, Next next) {
  scope.set_status(response.status);
  if (m_closing || m_server.draining) next = Next::kLinger;
  const double total_ms = scope.seconds() * 1000;
  const std::string head =
      format_response_head(response, admission.request.id, total_ms,
                           next == Next::kKeepAlive ? AfterAnswer::kKeepAlive : AfterAnswer::kClose);
  const bool has_body = admission.request.method != Method::kHead && response.status != 204;
  const std::array<asio::const_buffer, 2> parts = {
      asio::buffer(head), asio::buffer(response.body.data(), has_body ? response.body.size() : 0)};
  m_deadline.set(seconds(m_server.config.write_timeout_seconds));
  m_held.add(response.body.size());
  const auto [error, written] = co_await asio::async_write(m_socket, parts, kTuple);
  if (error && m_deadline.has_passed()) m_server.stats.timeouts.add();
  if (written > head.size()) m_server.stats.sent_bytes.add(written - head.size());
  // A probe that is told "not yet" is no failure.
  const bool is_probe = admission.route != nullptr && admission.route->access == Access::kPublic;
  if (response.status >= 500 && !is_probe) {
    log_warning("{} {} {} {:.3f} ms: {}", admission.request.id, admission.request.path, response.status, total_ms,
                response.body);
  } else {
    log_debug("{} {} {} {:.3f} ms", admission.request.id, admission.request.path, response.status, total_ms);
  }
  co_return error ? Next::kClose : next;
}

asio::awaitable<HttpConnection::Next> HttpConnection::respond_in_pieces(RequestScope& scope, const Admission& admission,
                                                                        const HttpResponse& response, Next next) {
  scope.set_status(response.status);
  if (m_closing || m_server.draining || m_http_version == 10) next = Next::kLinger;
  const std::string head =
      format_response_head(response, admission.request.id, scope.seconds() * 1000,
                           next == Next::kKeepAlive ? AfterAnswer::kKeepAlive : AfterAnswer::kClose, m_http_version);
  m_deadline.set(seconds(m_server.config.write_timeout_seconds));
  auto [error, written] = co_await asio::async_write(m_socket, asio::buffer(head), kTuple);
  if (!error) error = co_await write_pieces(*response.stream);
  if (error && !m_cancel->stop_requested()) cancel_request();
  stop_watching();
  if (error && m_deadline.has_passed()) m_server.stats.timeouts.add();
  log_debug("{} {} {} {:.3f} ms in pieces", admission.request.id, admission.request.path, response.status,
            scope.seconds() * 1000);
  co_return error ? Next::kClose : next;
}

asio::awaitable<HttpConnection::Error> HttpConnection::write_pieces(BodyStream& stream) {
  const bool chunked = m_http_version != 10;
  for (bool more = true; more;) {
    m_deadline.clear();  // whoever makes the pieces has a deadline of its own
    const std::optional<std::string> piece = co_await stream.next();
    more = piece.has_value();
    if (!more && !chunked) break;
    const std::string framed = !more     ? std::string("0\r\n\r\n")
                               : chunked ? fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece)
                                         : *piece;
    m_deadline.set(seconds(m_server.config.write_timeout_seconds));
    const auto [error, written] = co_await asio::async_write(m_socket, asio::buffer(framed), kTuple);
    if (error) co_return error;
    m_server.stats.sent_bytes.add(framed.size());
  }
  co_return Error();
}

// Before a request: some clients end the body before it with one (RFC 9112, 2.2).
void HttpConnection::skip_empty_lines() {
  const auto starts_with_one = [this] {
    const auto data = m_buffer.data();
    return std::string_view(static_cast<const char*>(data.data()), data.size()).starts_with(kEmptyLine);
  };
  while (starts_with_one()) m_buffer.consume(kEmptyLine.size());
}

asio::awaitable<HttpConnection::Error> HttpConnection::read_head(Parser& parser) {
  bool waiting = std::exchange(m_head_has_deadline, false);
  for (;;) {
    Error error;
    m_buffer.consume(parser.put(m_buffer.data(), error));
    if (error && error != http::error::need_more) co_return error;
    if (parser.is_header_done()) co_return Error();
    if (!waiting) m_deadline.set(seconds(m_server.config.header_timeout_seconds));
    waiting = true;
    error = co_await read_more(kHeadReadBytes);
    if (error) co_return error;
  }
}

asio::awaitable<HttpConnection::Error> HttpConnection::read_body(Parser& parser) {
  bool waiting = false;
  for (;;) {
    size_t used = 1;
    while (used > 0 && m_buffer.size() > 0 && !parser.is_done()) {
      Error error;
      used = parser.put(m_buffer.data(), error);
      m_buffer.consume(used);
      if (error == http::error::need_more) break;
      if (error) co_return error;
    }
    m_held.set(parser.get().body().size());
    m_no_room = !has_room(parser.is_done());
    if (m_no_room) co_return make_error_code(http::error::body_limit);
    if (parser.is_done()) co_return Error();
    if (!waiting) m_deadline.set(seconds(m_server.config.body_timeout_seconds));
    waiting = true;
    const Error error = co_await read_more(kBodyReadBytes);
    if (error) co_return error;
  }
}

bool HttpConnection::has_room(bool is_whole) const {
  const size_t most = kLongestBodies * static_cast<size_t>(m_server.config.max_body_bytes);
  const bool comes_first = is_whole || m_held.own() <= kShortBodyBytes;
  return m_held.own() == 0 || m_held.all() <= (comes_first ? 2 * most : most);
}

asio::awaitable<HttpConnection::Error> HttpConnection::read_more(size_t bytes) {
  if (m_buffer.size() + bytes > m_buffer.max_size()) co_return make_error_code(http::error::buffer_overflow);
  const auto [error, read] = co_await m_socket.async_read_some(m_buffer.prepare(bytes), kTuple);
  m_buffer.commit(read);
  co_return m_deadline.has_passed() ? make_error_code(asio::error::operation_aborted) : error;
}

asio::awaitable<HttpConnection::Error> HttpConnection::write_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  m_deadline.set(seconds(m_server.config.write_timeout_seconds));
  const auto [error, written] = co_await asio::async_write(m_socket, asio::buffer(kContinue), kTuple);
  co_return error;
}

// Closing while the client still sends, or with something of it unread, would reset the connection and could destroy
// the answer before it is read.
asio::awaitable<void> HttpConnection::linger() {
  Error error;
  m_socket.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  const auto last = Clock::now() + seconds(m_server.config.write_timeout_seconds);
  do {
    m_deadline.set(kLingerTime);
    while (!error) {
      m_buffer.clear();
      error = co_await read_more(kBodyReadBytes);
    }
    if (m_deadline.has_passed()) error = Error();
  } while (!error && Clock::now() < last && unread_by_client() > 0);
}

// Bytes of the answer that the client's system has not taken yet.
int HttpConnection::unread_by_client() {
  int count = 0;
  return ioctl(m_socket.native_handle(), SIOCOUTQ, &count) == 0 ? count : 0;
}

// Of one that has passed.
void HttpConnection::cancel_waits() {
  if (!m_socket.is_open()) return;
  Error ignored;
  m_socket.cancel(ignored);
  if (m_relay) m_relay->cancel();
}

void HttpConnection::start_watching() {
  m_deadline.clear();  // the handler has its own
  m_cancel.emplace();
  m_socket.async_wait(asio::ip::tcp::socket::wait_read,
                      [self = shared_from_this(), watch = ++m_watch](const Error& error) {
                        if (!error && self->m_watch == watch) self->on_readable();
                      });
}

void HttpConnection::stop_watching() {
  ++m_watch;
  m_cancel.reset();
  m_grace.cancel();
  Error ignored;
  m_socket.cancel(ignored);
}

void HttpConnection::on_readable() {
  char byte = 0;
  const ssize_t received = recv(m_socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (received > 0) return;  // the next request; whoever sends it is there
  if (received < 0) {
    if (errno != EAGAIN && errno != EINTR) cancel_request();
    return;
  }
  m_grace.expires_after(kHalfCloseGrace);
  m_grace.async_wait([self = shared_from_this(), watch = m_watch](const Error& error) {
    if (!error && self->m_watch == watch) self->cancel_request();
  });
}

void HttpConnection::cancel_request() {
  m_server.stats.disconnects.add();
  m_cancel->request_stop();
}

void HttpConnection::drain() {
  asio::dispatch(m_socket.get_executor(), [self = shared_from_this()] {
    self->m_closing = true;
    if (self->m_idle) self->close();
    if (self->m_relay) self->m_relay->drain();
  });
}

void HttpConnection::stop() {
  asio::dispatch(m_socket.get_executor(), [self = shared_from_this()] {
    self->m_closing = true;
    if (self->m_cancel) self->m_cancel->request_stop();
    self->close();
  });
}

void HttpConnection::close() {
  if (m_relay) m_relay->cancel();
  Error ignored;
  m_socket.close(ignored);
  m_deadline.stop();
  m_grace.cancel();
}

}  // namespace vivace
