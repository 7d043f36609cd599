#include "apps/detection/callback_client.h"

#include <utility>  // Asio 1.81 forgets it

#include <algorithm>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "base/url.h"

namespace vivace {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Request = http::request<http::string_body>;
using SecureStream = beast::ssl_stream<beast::tcp_stream>;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr uint32_t kMaxHeaderBytes = 16 << 10;

std::unexpected<Status> failed(const Url& url, const std::string& reason) {
  return error(StatusCode::kUnavailable, "callback to " + url.origin() + ": " + reason);
}

// Starts one asynchronous operation and runs it to its end or the deadline.
template <typename Start>
Result<void> run_step(asio::io_context& io, beast::tcp_stream& socket, const Url& url, TimePoint deadline,
                      Start start) {
  beast::error_code result;
  socket.expires_at(deadline);
  start([&result](beast::error_code code, auto&&...) { result = code; });
  io.restart();
  io.run();
  if (result == beast::error::timeout) return failed(url, "no answer in time");
  return result ? failed(url, result.message()) : Result<void>();
}

Request make_request(const Url& url, std::string_view body) {
  Request request{http::verb::post, url.target, 11};
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  request.set(http::field::host, url.port == (url.secure ? "443" : "80") ? host : host + ":" + url.port);
  request.set(http::field::user_agent, "vivace");
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  return request;
}

Result<void> connect(asio::io_context& io, beast::tcp_stream& socket, const Url& url, TimePoint deadline) {
  asio::ip::tcp::resolver resolver(io);
  beast::error_code problem;
  const auto addresses = resolver.resolve(url.host, url.port, problem);
  if (problem) return failed(url, problem.message());
  return run_step(io, socket, url, deadline, [&](auto done) { socket.async_connect(addresses, std::move(done)); });
}

// Stream: beast::tcp_stream or ssl_stream over it.
template <typename Stream>
Result<void> exchange(asio::io_context& io, Stream& stream, const Url& url, std::string_view body, TimePoint deadline) {
  beast::tcp_stream& socket = beast::get_lowest_layer(stream);
  const Request request = make_request(url, body);
  RETURN_IF_ERROR(
      run_step(io, socket, url, deadline, [&](auto done) { http::async_write(stream, request, std::move(done)); }));
  beast::flat_buffer buffer{kMaxHeaderBytes};
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  RETURN_IF_ERROR(run_step(io, socket, url, deadline,
                           [&](auto done) { http::async_read_header(stream, buffer, parser, std::move(done)); }));
  const int status = static_cast<int>(parser.get().result_int());
  return status / 100 == 2 ? Result<void>() : failed(url, "it answered " + std::to_string(status));
}

Result<void> exchange_securely(asio::io_context& io, const Url& url, std::string_view body, TimePoint deadline) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  beast::error_code problem;
  tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, problem);
  if (!problem) tls.set_default_verify_paths(problem);
  if (problem) return error(StatusCode::kInternal, "cannot set up TLS: " + problem.message());
  SecureStream stream(io, tls);
  RETURN_IF_ERROR(connect(io, beast::get_lowest_layer(stream), url, deadline));
  // What SSL_set_tlsext_host_name() does, which is a macro with a C cast.
  char* name = const_cast<char*>(url.host.c_str());
  SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  RETURN_IF_ERROR(run_step(io, beast::get_lowest_layer(stream), url, deadline, [&](auto done) {
    stream.async_handshake(asio::ssl::stream_base::client, std::move(done));
  }));
  return exchange(io, stream, url, body, deadline);
}

}  // namespace

Result<void> check_callback(std::string_view url, std::span<const std::string> allowed_hosts) {
  if (allowed_hosts.empty()) {
    return error(StatusCode::kInvalidArgument,
                 "callbacks are switched off: detection_callback_hosts names no host; leave callback_url out and ask "
                 "GET /api/v1/jobs/{job_id}");
  }
  ASSIGN_OR_RETURN(const Url parsed, parse_url(url));
  const bool allowed = std::ranges::any_of(allowed_hosts, [&](const std::string& host) {
    return host == parsed.host || host == parsed.host + ":" + parsed.port;
  });
  if (allowed) return {};
  return error(StatusCode::kInvalidArgument, "the host of callback_url is not one of detection_callback_hosts");
}

Result<void> post_callback(std::string_view url, std::string_view body, std::chrono::seconds limit) {
  ASSIGN_OR_RETURN(const Url parsed, parse_url(url));
  const TimePoint deadline = std::chrono::steady_clock::now() + limit;
  asio::io_context io;
  if (parsed.secure) return exchange_securely(io, parsed, body, deadline);
  beast::tcp_stream stream(io);
  RETURN_IF_ERROR(connect(io, stream, parsed, deadline));
  return exchange(io, stream, parsed, body, deadline);
}

}  // namespace vivace
