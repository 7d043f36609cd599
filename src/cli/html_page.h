// What pages that the program writes have in common.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace vivace {

// Text as HTML shows it, also inside of quoted attributes.
std::string escape_html(std::string_view text);

// Puts values where the page says "{{name}}"; what was filled in is not looked at again. A name without a value leaves
// nothing.
std::string fill_page(std::string_view page, std::span<const std::pair<std::string_view, std::string>> values);

}  // namespace vivace
