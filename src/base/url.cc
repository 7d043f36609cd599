#include "base/url.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace vivace {
namespace {

constexpr size_t kMaxUrlBytes = 8192;  // signed addresses of content networks have a few thousand

bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7f';
}

std::unexpected<Status> bad_url(std::string_view text, std::string_view why) {
  return error(StatusCode::kInvalidArgument, "address '" + std::string(text.substr(0, 200)) + "' " + std::string(why));
}

bool is_port(std::string_view port) {
  return !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(port)) <= 65535;
}

}  // namespace

std::string Url::origin() const {
  const std::string bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (secure ? "https://" : "http://") + bracketed + ":" + port;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return bad_url(text, "is too long");
  if (!std::ranges::all_of(text, is_visible_ascii)) return bad_url(text, "holds spaces or control characters");
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.secure = false;
  } else {
    return bad_url(text, "does not start with https:// or http://");
  }
  rest = rest.substr(0, rest.find('#'));
  const size_t authority_end = std::min(rest.find('/'), rest.find('?'));
  std::string_view authority = rest.substr(0, authority_end);
  url.target = authority_end == std::string_view::npos ? "/" : std::string(rest.substr(authority_end));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "holds a user name, which is not supported");
  url.port = url.secure ? "443" : "80";
  const size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return bad_url(text, "has no valid host");
  if (const size_t colon = authority.find(':', bracket); colon != std::string_view::npos) {
    url.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  url.host = authority;
  std::ranges::transform(url.host, url.host.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (url.host.empty()) return bad_url(text, "has no valid host");
  if (!is_port(url.port)) return bad_url(text, "has no valid port");
  return url;
}

Result<Url> resolve_location(const Url& base, std::string_view location) {
  if (location.starts_with("//")) return parse_url((base.secure ? "https:" : "http:") + std::string(location));
  if (location.starts_with("http://") || location.starts_with("https://")) return parse_url(location);
  if (location.starts_with('/')) return parse_url(base.origin() + std::string(location));
  const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
  return parse_url(base.origin() + std::string(path.substr(0, path.rfind('/') + 1)) + std::string(location));
}

std::string encode_path(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (std::isalnum(byte) != 0 && byte < 0x80) || std::string_view("/-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

}  // namespace vivace
