// The console page, console.html, as the build embeds it.
#pragma once

#include <string_view>

namespace vivace {
extern const std::string_view kConsolePage;
}  // namespace vivace
