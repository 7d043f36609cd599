// http and https addresses, as far as fetching files needs them. https://www.rfc-editor.org/rfc/rfc3986
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

struct Url {
  bool secure = true;  // https
  std::string host;    // lower case, without the brackets of an IPv6 address
  std::string port;    // always filled in
  std::string target;  // path and query, starts with '/'

  std::string origin() const;  // "https://host:port": who may see our token
  std::string text() const { return origin() + target; }
};

// kInvalidArgument for another scheme, user names, spaces, control characters, an empty host or a bad port.
Result<Url> parse_url(std::string_view text);

// The address that a Location header means when it came from base.
Result<Url> resolve_location(const Url& base, std::string_view location);

// Percent-encodes what may not stand in a path; '/' stays.
std::string encode_path(std::string_view path);

}  // namespace vivace
