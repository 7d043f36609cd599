// The release's number, the same as in CMakeLists.txt (a test compares them).
#pragma once

namespace vivace {
inline constexpr char kVersion[] = "0.1.0";
}  // namespace vivace
