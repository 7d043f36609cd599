#include "server/request_target.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr size_t kMaxQueryParts = 64;

std::unexpected<Status> bad_target(std::string_view reason) {
  return error(StatusCode::kInvalidArgument, "the request's target " + std::string(reason));
}

std::string_view path_of(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t slash = target.find_first_of("/?");
    if (slash == std::string_view::npos || target[slash] == '?') return "/";
    target.remove_prefix(slash);
    break;
  }
  return target.substr(0, target.find_first_of("?#"));
}

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    unsigned char byte = 0;
    const char* first = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(first, first + 2, byte, 16).ptr != first + 2) {
      return bad_target("has a broken %-escape");
    }
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

bool has_control_character(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

Result<std::string> decode_query_text(std::string_view text) {
  std::string with_blanks(text);
  std::ranges::replace(with_blanks, '+', ' ');
  ASSIGN_OR_RETURN(std::string decoded, percent_decode(with_blanks));
  if (has_control_character(decoded)) return bad_target("has a control character");
  if (find_invalid_utf8(decoded) != kValidUtf8) return bad_target("is not UTF-8");
  return decoded;
}

}  // namespace

Result<std::string> parse_request_target(std::string_view target) {
  if (target == "*") return std::string(target);
  const std::string_view path = path_of(target);
  if (!path.starts_with('/')) return bad_target("does not begin with '/'");
  ASSIGN_OR_RETURN(std::string decoded, percent_decode(path));
  if (has_control_character(decoded)) return bad_target("has a control character");
  if (find_invalid_utf8(decoded) != kValidUtf8) return bad_target("is not UTF-8");
  return decoded;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view target) {
  std::vector<std::pair<std::string, std::string>> query;
  target = target.substr(0, target.find('#'));
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return query;
  target.remove_prefix(mark + 1);
  while (!target.empty()) {
    const std::string_view part = target.substr(0, target.find('&'));
    target.remove_prefix(std::min(part.size() + 1, target.size()));
    if (part.empty()) continue;
    if (query.size() == kMaxQueryParts) return bad_target("has too many query parameters");
    const size_t equals = part.find('=');
    ASSIGN_OR_RETURN(std::string name, decode_query_text(part.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      ASSIGN_OR_RETURN(value, decode_query_text(part.substr(equals + 1)));
    }
    query.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

bool match_path(std::string_view pattern, std::string_view path, std::string* argument) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return path == pattern;
  const std::string_view prefix = pattern.substr(0, open);
  const std::string_view suffix = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= prefix.size() + suffix.size()) return false;
  if (!path.starts_with(prefix) || !path.ends_with(suffix)) return false;
  *argument = std::string(path.substr(prefix.size(), path.size() - prefix.size() - suffix.size()));
  return true;
}

}  // namespace vivace
