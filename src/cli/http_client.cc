#include "cli/http_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "base/url.h"
#include "cli/version.h"

namespace vivace {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Request = http::request<http::empty_body>;
using Parser = http::response_parser<http::buffer_body>;

constexpr auto kStepTimeout = std::chrono::seconds(60);  // for connecting, and for each piece of the body
constexpr size_t kPieceBytes = size_t{128} << 10;
constexpr uint32_t kMaxHeaderBytes = 64 << 10;
constexpr int kMaxRedirects = 10;

// Starts one asynchronous operation and runs it to its end: blocking calls, but with the stream's time-out.
template <typename Start>
beast::error_code run_step(asio::io_context& io, Start start) {
  beast::error_code result;
  start([&result](beast::error_code code, auto&&...) { result = code; });
  io.restart();
  io.run();
  return result;
}

std::unexpected<Status> unreachable(const Url& url, const std::string& reason) {
  return error(StatusCode::kUnavailable, "cannot reach " + url.origin() + ": " + reason);
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string plain_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::string_view header_of(const Parser& parser, std::string_view name) {
  const auto& fields = parser.get();
  const auto field = fields.find(beast::string_view(name.data(), name.size()));
  if (field == fields.end()) return {};
  return {field->value().data(), field->value().size()};
}

void keep_first(std::string* kept, std::string_view seen) {
  if (kept->empty()) *kept = seen;
}

// Merges one hop's answer into what is known.
Result<void> note_head(const Parser& parser, const HttpGet& get, HttpHead* head) {
  head->status = static_cast<int>(parser.get().result_int());
  keep_first(&head->etag, plain_etag(header_of(parser, "ETag")));
  keep_first(&head->linked_etag, plain_etag(header_of(parser, "X-Linked-Etag")));
  head->error_message = std::string(header_of(parser, "X-Error-Message").substr(0, 300));
  if (!head->linked_size) head->linked_size = parse_number(header_of(parser, "X-Linked-Size"));
  const auto length = parser.content_length();
  head->content_length = length ? std::optional<uint64_t>(*length) : std::nullopt;
  head->content_begin = 0;
  if (head->status != 206) return {};
  // "bytes 100-199/200"
  const std::string_view range = header_of(parser, "Content-Range");
  const size_t dash = range.find('-');
  const auto begin = range.starts_with("bytes ") && dash != std::string_view::npos
                         ? parse_number(range.substr(6, dash - 6))
                         : std::nullopt;
  if (!begin || *begin != get.offset) {
    return error(StatusCode::kUnavailable, "the server answered another part of the file than asked for; try again");
  }
  head->content_begin = *begin;
  return {};
}

Request make_request(const Url& url, const HttpGet& get, const std::string& token) {
  Request request{http::verb::get, url.target, 11};
  const bool default_port = url.port == (url.secure ? "443" : "80");
  const std::string bracketed = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  request.set(http::field::host, default_port ? bracketed : bracketed + ":" + url.port);
  request.set(http::field::user_agent, std::string("vivace/") + kVersion);
  request.set(http::field::accept_encoding, "identity");
  request.set(http::field::connection, "close");
  if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
  if (get.offset > 0) request.set(http::field::range, "bytes=" + std::to_string(get.offset) + "-");
  return request;
}

// One connection for one request. Stream: beast::tcp_stream or ssl_stream over it.
template <typename Stream>
class Hop {
 public:
  Hop(asio::io_context& io, Stream& stream, const Url& url) : m_io(io), m_stream(stream), m_url(url) {}

  // Sends the request and reads the answer. *location is filled for a redirect, whose body is not read.
  Result<void> run(const Request& request, const HttpGet& get, const HttpReceiver& receiver, HttpHead* head,
                   std::string* location) {
    RETURN_IF_ERROR(step([&](auto done) { http::async_write(m_stream, request, std::move(done)); }));
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(get.max_body_bytes);
    RETURN_IF_ERROR(step([&](auto done) { http::async_read_header(m_stream, m_buffer, parser, std::move(done)); }));
    RETURN_IF_ERROR(note_head(parser, get, head));
    const int status = head->status;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
      *location = header_of(parser, "Location");
      return location->empty() ? unreachable(m_url, "a redirect without Location") : Result<void>();
    }
    if (status != 200 && status != 206) return {};
    RETURN_IF_ERROR(receiver.on_head(*head));
    return read_body(&parser, receiver);
  }

 private:
  template <typename Start>
  Result<void> step(Start start) {
    beast::get_lowest_layer(m_stream).expires_after(kStepTimeout);
    const beast::error_code failed = run_step(m_io, start);
    return failed && failed != http::error::need_buffer ? describe(failed) : Result<void>();
  }

  Result<void> describe(beast::error_code failed) const {
    if (failed == http::error::body_limit) {
      return error(StatusCode::kTooLarge, m_url.origin() + ": the answer is larger than this file may be");
    }
    if (failed == beast::error::timeout) return unreachable(m_url, "no answer for a minute");
    if (failed == http::error::end_of_stream || failed == http::error::partial_message ||
        failed == asio::ssl::error::stream_truncated) {
      return unreachable(m_url, "the connection broke off");
    }
    return unreachable(m_url, failed.message());
  }

  Result<void> read_body(Parser* parser, const HttpReceiver& receiver) {
    std::vector<char> piece(kPieceBytes);
    while (!parser->is_done()) {
      auto& body = parser->get().body();
      body.data = piece.data();
      body.size = piece.size();
      // Not async_read, which fills the whole piece first: what arrived before the connection broke must be kept.
      RETURN_IF_ERROR(step([&](auto done) { http::async_read_some(m_stream, m_buffer, *parser, std::move(done)); }));
      RETURN_IF_ERROR(receiver.on_data({piece.data(), piece.size() - body.size}));
    }
    return {};
  }

  asio::io_context& m_io;
  Stream& m_stream;
  const Url& m_url;
  beast::flat_buffer m_buffer{kPieceBytes + kMaxHeaderBytes};
};

Result<void> connect(asio::io_context& io, beast::tcp_stream& stream, const Url& url) {
  Tcp::resolver resolver(io);
  beast::error_code failed;
  const auto addresses = resolver.resolve(url.host, url.port, failed);
  if (failed) return unreachable(url, failed.message());
  stream.expires_after(kStepTimeout);
  failed = run_step(io, [&](auto done) { stream.async_connect(addresses, std::move(done)); });
  if (failed == beast::error::timeout) return unreachable(url, "no answer for a minute");
  return failed ? unreachable(url, failed.message()) : Result<void>();
}

using SecureStream = beast::ssl_stream<beast::tcp_stream>;

Result<void> handshake(asio::io_context& io, SecureStream& stream, const Url& url) {
  // What SSL_set_tlsext_host_name() does, which is a macro with a C cast.
  char* name = const_cast<char*>(url.host.c_str());
  if (SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) != 1) {
    return error(StatusCode::kInternal, "cannot set the TLS server name");
  }
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  beast::get_lowest_layer(stream).expires_after(kStepTimeout);
  const beast::error_code failed =
      run_step(io, [&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, std::move(done)); });
  if (!failed) return {};
  const long verified = SSL_get_verify_result(stream.native_handle());
  if (verified == X509_V_OK && failed.message().find("verify") == std::string::npos) {
    return unreachable(url, "TLS: " + failed.message());
  }
  const std::string why =
      verified == X509_V_OK ? "the certificate is for another host" : X509_verify_cert_error_string(verified);
  return unreachable(url, "its certificate is not trusted (" + why +
                              "); if your network has a certificate of its own, name it in SSL_CERT_FILE");
}

Result<void> run_hop(const Url& url, const HttpGet& get, const std::string& token, const HttpReceiver& receiver,
                     HttpHead* head, std::string* location) {
  asio::io_context io;
  const Request request = make_request(url, get, token);
  if (!url.secure) {
    beast::tcp_stream stream(io);
    RETURN_IF_ERROR(connect(io, stream, url));
    return Hop<beast::tcp_stream>(io, stream, url).run(request, get, receiver, head, location);
  }
  asio::ssl::context tls(asio::ssl::context::tls_client);
  beast::error_code failed;
  tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, failed);
  if (!failed) tls.set_default_verify_paths(failed);
  if (failed) return error(StatusCode::kInternal, "cannot set up TLS: " + failed.message());
  SecureStream stream(io, tls);
  RETURN_IF_ERROR(connect(io, beast::get_lowest_layer(stream), url));
  RETURN_IF_ERROR(handshake(io, stream, url));
  return Hop<SecureStream>(io, stream, url).run(request, get, receiver, head, location);
}

}  // namespace

Result<HttpHead> http_get(const HttpGet& get, const HttpReceiver& receiver) {
  ASSIGN_OR_RETURN(Url url, parse_url(get.url));
  const std::string first_origin = url.origin();
  HttpHead head;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    std::string location;
    RETURN_IF_ERROR(run_hop(url, get, url.origin() == first_origin ? get.token : "", receiver, &head, &location));
    if (location.empty()) return head;
    ASSIGN_OR_RETURN(Url next, resolve_location(url, location));
    if (url.secure && !next.secure) return unreachable(url, "it redirects from https to http, which is refused");
    url = std::move(next);
  }
  return unreachable(url, "more than " + std::to_string(kMaxRedirects) + " redirects");
}

}  // namespace vivace
