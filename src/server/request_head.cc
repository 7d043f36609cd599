#include "server/request_head.h"

#include <boost/asio/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "server/kserve_json.h"

namespace vivace {
namespace {

namespace http = boost::beast::http;

std::string_view field(const http::fields& fields, http::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

std::string_view field(const http::fields& fields, std::string_view name) {
  const auto value = fields[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::head: return Method::kHead;
    case http::verb::post: return Method::kPost;
    case http::verb::delete_: return Method::kDelete;
    case http::verb::options: return Method::kOptions;
    default: return Method::kOther;
  }
}

}  // namespace

RequestHead read_request_head(const BeastRequest& message) {
  return {.method = method_of(message.method()),
          .target = {message.target().data(), message.target().size()},
          .content_type = field(message, http::field::content_type),
          .content_encoding = field(message, http::field::content_encoding),
          .json_bytes = field(message, kJsonBytesHeader),
          .authorization = field(message, http::field::authorization),
          .request_timeout_ms = field(message, "request-timeout-ms"),
          .request_id = field(message, "x-request-id"),
          .has_body_length = message.chunked() || message.count(http::field::content_length) > 0};
}

std::optional<ApiError> check_framing(const BeastRequest& message) {
  if (message.version() != 10 && message.version() != 11) {
    return http_error(505, "http_version", "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (message.version() == 11 && message.count(http::field::host) != 1) {
    return http_error(400, "bad_host", "an HTTP/1.1 request has exactly one Host header");
  }
  // Others before it would have to be undone.
  const size_t encodings = message.count(http::field::transfer_encoding);
  const bool only_chunked = encodings == 1 && message.chunked() &&
                            boost::beast::iequals(field(message, http::field::transfer_encoding), "chunked");
  if (encodings > 0 && !only_chunked) {
    return http_error(501, "bad_transfer_encoding", "the only Transfer-Encoding taken is chunked");
  }
  const std::string_view expect = field(message, http::field::expect);
  if (!expect.empty() && !boost::beast::iequals(expect, "100-continue")) {
    return http_error(417, "bad_expectation", "the only expectation taken is 100-continue");
  }
  return std::nullopt;
}

bool is_http_error(const boost::system::error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category();
}

ApiError reading_error(const boost::system::error_code& error) {
  if (error == http::error::body_limit)
    return http_error(413, "too_large", "the request's body is longer than max_body_bytes");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return http_error(431, "header_too_large", "the request's header is longer than max_header_bytes");
  }
  if (error == boost::asio::error::eof)
    return http_error(400, "incomplete_request", "the request ended before it was complete");
  return http_error(400, "bad_http", "the request is not valid HTTP: " + error.message());
}

}  // namespace vivace
