#include "server/broken_head.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vivace {
namespace {

constexpr std::string_view kRequestId = "x-request-id:";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Method method_named(std::string_view name) {
  constexpr std::array<Method, 5> kMethods = {Method::kGet, Method::kHead, Method::kPost, Method::kDelete,
                                              Method::kOptions};
  const auto* const found = std::ranges::find(kMethods, name, method_name);
  return found == kMethods.end() ? Method::kOther : *found;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string_view take_line(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(line.size() + 1, text->size()));
  return trimmed(line);
}

void read_request_line(std::string_view line, RequestHead* head) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return;
  head->method = method_named(line.substr(0, blank));
  const std::string_view behind = line.substr(blank + 1);
  head->target = behind.substr(0, behind.find(' '));
}

}  // namespace

void complete_broken_head(std::string_view rest, RequestHead* head) {
  if (head->target.empty()) read_request_line(take_line(&rest), head);
  while (head->request_id.empty() && !rest.empty()) {
    const std::string_view line = take_line(&rest);
    if (line.empty()) return;  // the body follows
    const bool is_it =
        line.size() > kRequestId.size() && std::ranges::equal(line.substr(0, kRequestId.size()), kRequestId, {}, lower);
    if (is_it) head->request_id = trimmed(line.substr(kRequestId.size()));
  }
}

}  // namespace vivace
