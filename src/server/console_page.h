// The console page, console/page.html and what it includes, as the build embeds it.
#pragma once

#include <string_view>

namespace vivace {
extern const std::string_view kConsolePage;
}  // namespace vivace
