// The page that `vivace profile --report` fills: src/cli/profile_page.html, embedded by the build.
#pragma once

#include <string_view>

namespace vivace {

extern const std::string_view kProfilePage;

}  // namespace vivace
