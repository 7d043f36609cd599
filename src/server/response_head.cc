#include "server/response_head.h"

#include <array>
#include <ctime>
#include <iterator>

#include <fmt/format.h>

namespace vivace {
namespace {

// RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
void append_date(std::string* head) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  const size_t length = std::strftime(text.data(), text.size(), "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
  head->append(text.data(), length);
}

}  // namespace

std::string format_response_head(const HttpResponse& response, std::string_view request_id, double total_ms,
                                 AfterAnswer after, unsigned http_version) {
  std::string head;
  head.reserve(512);
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, http_reason(response.status));
  append_date(&head);
  if (response.stream != nullptr) {
    fmt::format_to(out, "content-type: {}\r\ncache-control: no-store\r\n{}", response.content_type,
                   http_version == 10 ? "" : "transfer-encoding: chunked\r\n");
  } else if (response.status != 204) {
    fmt::format_to(out, "content-type: {}\r\ncontent-length: {}\r\n", response.content_type, response.body.size());
  }
  fmt::format_to(out, "x-request-id: {}\r\nserver-timing: {}{}total;dur={:.3f}\r\nx-content-type-options: nosniff\r\n",
                 request_id, response.server_timing, response.server_timing.empty() ? "" : ", ", total_ms);
  for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  head.append(after == AfterAnswer::kClose ? "connection: close\r\n\r\n" : "connection: keep-alive\r\n\r\n");
  return head;
}

}  // namespace vivace
