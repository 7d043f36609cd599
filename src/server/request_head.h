// What a request says before its body, out of the message as Beast's parser reads it, and what is refused of it.
#pragma once

#include <optional>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>

#include "server/dispatch.h"
#include "server/error_table.h"

namespace vivace {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Views into the message, which may be one that has not been read to its end.
RequestHead read_request_head(const BeastRequest& message);

// What makes a message ambiguous or unanswerable, beyond what the parser refuses itself.
std::optional<ApiError> check_framing(const BeastRequest& message);

// Whether what was sent is not HTTP, or longer than it may be; else the connection is broken.
bool is_http_error(const boost::system::error_code& error);

// What to answer to a request that such an error ended.
ApiError reading_error(const boost::system::error_code& error);

}  // namespace vivace
