#include "cli/html_page.h"

#include <algorithm>

namespace vivace {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped.push_back(c);
    }
  }
  return escaped;
}

std::string fill_page(std::string_view page, std::span<const std::pair<std::string_view, std::string>> values) {
  std::string filled;
  for (size_t at = page.find("{{"); at != std::string_view::npos; at = page.find("{{")) {
    const size_t end = page.find("}}", at);
    const auto value =
        std::ranges::find(values, page.substr(at + 2, end - at - 2), [](const auto& entry) { return entry.first; });
    filled.append(page.substr(0, at));
    if (value != values.end()) filled.append(value->second);
    page.remove_prefix(end + 2);
  }
  return filled.append(page);
}

}  // namespace vivace
