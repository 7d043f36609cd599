// The status line and header fields of an answer.
#pragma once

#include <string>
#include <string_view>

#include "server/http_message.h"

namespace vivace {

enum class AfterAnswer { kKeepAlive, kClose };

// Everything up to and with the empty line. The body of a response with a stream is chunked, or without any length
// where the client's HTTP knows no chunks (http_version 10) and the connection is closed behind it. request_id and
// total_ms go into x-request-id and server-timing.
std::string format_response_head(const HttpResponse& response, std::string_view request_id, double total_ms,
                                 AfterAnswer after, unsigned http_version = 11);

}  // namespace vivace
