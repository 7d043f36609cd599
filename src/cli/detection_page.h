// The page that `vivace detect --report` fills: src/cli/detection_report.html, embedded by the build.
#pragma once

#include <string_view>

namespace vivace {

extern const std::string_view kDetectionPage;

}  // namespace vivace
